; A @head is the line that opens a construct without a node of its own for the body.
(subroutine (subroutine_statement name: (name) @name) @head) @definition.function
(function (function_statement name: (name) @name) @head) @definition.function
(module_procedure (module_procedure_statement name: (name) @name) @head) @definition.function
(program (program_statement (name) @name) @head) @definition.function
(module (module_statement (name) @name) @head) @definition.module
(submodule (submodule_statement (name) @name) @head) @definition.module
(derived_type_definition (derived_type_statement (type_name) @name) @head) @definition.struct
(interface (interface_statement (name) @name) @head) @definition.interface

(derived_type_procedures (procedure_statement declarator: (method_name) @name) @definition.method)
(derived_type_procedures
  (procedure_statement declarator: (binding (binding_name (identifier) @name))) @definition.method)

((module
  (variable_declaration
    attribute: (type_qualifier) @_qualifier
    declarator: (init_declarator left: (identifier) @name)) @definition.constant)
  (#match? @_qualifier "^[Pp][Aa][Rr]"))
(module
  (variable_declaration
    declarator: [
      (identifier) @name
      (init_declarator left: (identifier) @name)
      (sized_declarator (identifier) @name)
    ]) @definition.variable)
(comment) @comment
