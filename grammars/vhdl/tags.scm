(entity_declaration entity: (_) @name (entity_head) @body) @definition.module
(entity_declaration entity: (_) @name) @definition.module
(architecture_definition
  architecture: (_) @name entity: (name) @container (architecture_head) @open) @definition.module
(architecture_definition architecture: (_) @name entity: (name) @container) @definition.module
(package_declaration package: (_) @name (package_declaration_body) @body) @definition.module
(package_declaration package: (_) @name) @definition.module
(package_definition package: (_) @name (package_definition_body) @body) @definition.module
(package_definition package: (_) @name) @definition.module
(configuration_declaration configuration: (_) @name) @definition.module
(context_declaration . (identifier) @name) @definition.module
(component_declaration component: (_) @name (component_body) @body) @definition.interface
(block_statement . (label_declaration (label) @name)) @definition.module

(subprogram_definition [
    (function_specification function: (_) @name)
    (procedure_specification procedure: (_) @name)
  ] (subprogram_head) @open) @definition.function
(subprogram_declaration [
    (function_specification function: (_) @name)
    (procedure_specification procedure: (_) @name)
  ]) @definition.function
(process_statement
  . (label_declaration (label) @name)
  [(process_head) (sequential_block)] @open) @definition.function

(type_declaration type: (_) @name "is" @open (record_type_definition)) @definition.struct
(type_declaration type: (_) @name "is" @open (enumeration_type_definition)) @definition.enum
(type_declaration type: (_) @name "is" @open (protected_type_declaration)) @definition.class
(type_declaration type: (_) @name "is" @open (protected_type_body)) @definition.class
(type_declaration type: (_) @name) @definition.type
(subtype_declaration type: (_) @name) @definition.type

(constant_declaration (identifier_list constant: (_) @name)) @definition.constant
(signal_declaration (identifier_list (identifier) @name)) @definition.variable
(variable_declaration (identifier_list (identifier) @name)) @definition.variable
[(line_comment) (block_comment)] @comment
