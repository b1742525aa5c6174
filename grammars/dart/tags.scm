(function_declaration signature: (function_signature name: (identifier) @name) body: (_) @body)
  @definition.function
(external_function_declaration signature: (function_signature name: (identifier) @name)) @definition.function
(getter_declaration signature: (getter_signature name: (identifier) @name) body: (_) @body) @definition.function
(setter_declaration signature: (setter_signature name: (identifier) @name) body: (_) @body) @definition.function
(local_function_declaration (function_signature name: (identifier) @name) (function_body) @body)
  @definition.function

(method_declaration
  signature: (method_signature [
    (function_signature name: (identifier) @name)
    (getter_signature name: (identifier) @name)
    (setter_signature name: (identifier) @name)
    (operator_signature operator: (_) @name)
  ])
  body: (_) @body) @definition.method
(member_declaration (declaration [
  (function_signature name: (identifier) @name)
  (getter_signature name: (identifier) @name)
  (setter_signature name: (identifier) @name)
  (operator_signature operator: (_) @name)
])) @definition.method

; Of a named constructor (`Point.zero`) the second name is the name.
(method_declaration
  signature: (method_signature [
    (constructor_signature . name: (identifier) @name . parameters: (_))
    (constructor_signature . name: (identifier) . name: (identifier) @name)
    (factory_constructor_signature . name: (identifier) @name . parameters: (_))
    (factory_constructor_signature . name: (identifier) . name: (identifier) @name)
  ])
  body: (_) @body) @definition.constructor
(member_declaration (declaration [
  (constructor_signature . name: (identifier) @name . parameters: (_))
  (constructor_signature . name: (identifier) . name: (identifier) @name)
  (constant_constructor_signature . name: (identifier) @name . parameters: (_))
  (constant_constructor_signature . name: (identifier) . name: (identifier) @name)
  (redirecting_factory_constructor_signature . name: (identifier) . name: (identifier) @name)
])) @definition.constructor

(class_declaration name: (identifier) @name body: (_) @body) @definition.class
(mixin_declaration name: (identifier) @name body: (_) @body) @definition.trait
(enum_declaration name: (identifier) @name body: (_) @body) @definition.enum
(extension_declaration name: (identifier) @name body: (_) @body) @definition.impl
(extension_declaration !name class: (type (type_identifier) @name) body: (_) @body) @definition.impl
(extension_type_declaration name: (extension_type_name (identifier) @name) body: (_) @body) @definition.class
(type_alias (type_identifier) @name) @definition.type

(top_level_variable_declaration (static_final_declaration_list
  (static_final_declaration name: (identifier) @name))) @definition.constant
(top_level_variable_declaration (initialized_identifier_list
  (initialized_identifier name: (identifier) @name))) @definition.variable
(member_declaration (declaration (static_final_declaration_list
  (static_final_declaration name: (identifier) @name)))) @definition.constant
(member_declaration (declaration (initialized_identifier_list
  (initialized_identifier name: (identifier) @name)))) @definition.field

(member_declaration (method_declaration) @wrapped) @wrapper
(annotation) @attached
[(comment) (documentation_comment)] @comment
