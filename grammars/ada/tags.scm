; @open is where a body starts that is no node of its own and reaches to the end of the construct.
(package_declaration name: (_) @name "is" @open) @definition.module
(package_declaration name: (_) @name) @definition.module
(package_body name: (_) @name "is" @open) @definition.module
(package_body name: (_) @name) @definition.module
(generic_instantiation "package" name: (_) @name) @definition.module

(subprogram_body [
    (function_specification name: (_) @name)
    (procedure_specification name: (_) @name)
  ] "is" @open) @definition.function
(expression_function_declaration (function_specification name: (_) @name) "is" @open) @definition.function
(subprogram_declaration [
    (function_specification name: (_) @name)
    (procedure_specification name: (_) @name)
  ]) @definition.function
(generic_subprogram_declaration [
    (function_specification name: (_) @name)
    (procedure_specification name: (_) @name)
  ]) @definition.function
(null_procedure_declaration (procedure_specification name: (_) @name)) @definition.function
(subprogram_renaming_declaration [
    (function_specification name: (_) @name)
    (procedure_specification name: (_) @name)
  ]) @definition.function
(generic_instantiation "function" name: (_) @name) @definition.function
(generic_instantiation "procedure" name: (_) @name) @definition.function

(single_protected_declaration . (identifier) @name "is" @open) @definition.class
(protected_type_declaration . (identifier) @name "is" @open) @definition.class
(protected_body . (identifier) @name "is" @open) @definition.class
(single_task_declaration . (identifier) @name "is" @open) @definition.class
(single_task_declaration . (identifier) @name) @definition.class
(task_type_declaration . (identifier) @name "is" @open) @definition.class
(task_type_declaration . (identifier) @name) @definition.class
(task_body . (identifier) @name "is" @open) @definition.function
(entry_declaration entry_name: (identifier) @name) @definition.method
(entry_body . (identifier) @name) @definition.method

(full_type_declaration . (identifier) @name "is" @open (record_type_definition)) @definition.struct
(full_type_declaration . (identifier) @name (derived_type_definition (record_extension_part) @body)) @definition.struct
(full_type_declaration . (identifier) @name "is" @open (enumeration_type_definition)) @definition.enum
(full_type_declaration . (identifier) @name (interface_type_definition)) @definition.interface
(full_type_declaration . (identifier) @name) @definition.type
(private_type_declaration . (identifier) @name) @definition.type
(private_extension_declaration . (identifier) @name) @definition.type
(subtype_declaration . (identifier) @name) @definition.type

(object_declaration name: (identifier) @name "constant") @definition.constant
(number_declaration . (identifier) @name) @definition.constant
(exception_declaration . (identifier) @name) @definition.constant
(object_declaration name: (identifier) @name) @definition.variable

(object_declaration . (single_protected_declaration) @wrapped) @wrapper
(object_declaration . (single_task_declaration) @wrapped) @wrapper
(full_type_declaration . (protected_type_declaration) @wrapped) @wrapper
(full_type_declaration . (task_type_declaration) @wrapped) @wrapper
(generic_package_declaration (package_declaration) @wrapped) @wrapper
(comment) @comment
