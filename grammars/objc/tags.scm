; An interface, a protocol and an implementation have no node for their body: their members are their body together.
(class_interface
  . (identifier) @name
  [(instance_variables) (property_declaration) (method_declaration)] @body) @definition.class
(class_interface . (identifier) @name) @definition.class
(class_implementation
  . (identifier) @name
  [(instance_variables) (implementation_definition) (property_implementation)] @body) @definition.impl
(class_implementation . (identifier) @name) @definition.impl
(protocol_declaration
  . (identifier) @name
  [(qualified_protocol_interface_declaration) (property_declaration) (method_declaration)] @body)
  @definition.interface
(protocol_declaration . (identifier) @name) @definition.interface

; Of a selector in several parts the first is the name.
(method_definition (method_type) . (identifier) @name (compound_statement) @body) @definition.method
(method_declaration (method_type) . (identifier) @name) @definition.method
(property_declaration (struct_declaration (struct_declarator [
  (identifier) @name
  (pointer_declarator declarator: (identifier) @name)
]))) @definition.field

(function_definition
  declarator: [
    (function_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))
  ]
  body: (_) @body) @definition.function
(translation_unit (declaration
  declarator: [
    (function_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))
  ]) @definition.function)

(struct_specifier name: (type_identifier) @name body: (_) @body) @definition.struct
(union_specifier name: (type_identifier) @name body: (_) @body) @definition.struct
(enum_specifier name: (type_identifier) @name body: (_) @body) @definition.enum
(type_definition
  type: [
    (struct_specifier body: (_) @body)
    (union_specifier body: (_) @body)
  ]
  declarator: (type_identifier) @name) @definition.struct
(type_definition type: (enum_specifier body: (_) @body) declarator: (type_identifier) @name) @definition.enum
(type_definition declarator: (type_identifier) @name) @definition.type
(type_definition declarator: (pointer_declarator declarator: (type_identifier) @name)) @definition.type
(type_definition declarator: (function_declarator declarator: (parenthesized_declarator [
  (pointer_declarator declarator: (type_identifier) @name)
  (block_pointer_declarator declarator: (type_identifier) @name)
]))) @definition.type

; Variables; those inside a function are told by what encloses them.
(declaration
  declarator: [
    (identifier) @name
    (init_declarator declarator: (identifier) @name)
    (pointer_declarator declarator: (identifier) @name)
    (array_declarator declarator: (identifier) @name)
    (init_declarator declarator: (pointer_declarator declarator: (identifier) @name))
    (init_declarator declarator: (array_declarator declarator: (identifier) @name))
  ]) @definition.variable

(preproc_def name: (identifier) @name) @definition.macro
(preproc_function_def name: (identifier) @name) @definition.macro
(comment) @comment
