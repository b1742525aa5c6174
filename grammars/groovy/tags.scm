(method_declaration name: (identifier) @name body: (_) @body) @definition.function
(method_declaration name: (identifier) @name) @definition.function
(constructor_declaration name: (identifier) @name body: (_) @body) @definition.constructor

(class_declaration name: (identifier) @name body: (_) @body) @definition.class
(interface_declaration name: (identifier) @name body: (_) @body) @definition.interface
(annotation_type_declaration name: (identifier) @name body: (_) @body) @definition.interface
(trait_declaration name: (identifier) @name body: (_) @body) @definition.trait
(enum_declaration name: (identifier) @name body: (_) @body) @definition.enum

(field_declaration (variable_declarator name: (identifier) @name value: (closure) @body)) @definition.method
(field_declaration "static" "final" (variable_declarator name: (identifier) @name)) @definition.constant
(field_declaration (variable_declarator name: (identifier) @name)) @definition.field
(source_file (local_variable_declaration
  (variable_declarator name: (identifier) @name value: (closure) @body)) @definition.function)
(source_file (local_variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(source_file (local_variable_declaration name: (identifier) @name) @definition.variable)

(annotation) @attached
[(line_comment) (block_comment) (groovydoc_comment)] @comment
