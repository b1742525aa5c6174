(value_specification (value_name) @name type: (function_type)) @definition.function
(value_specification (value_name) @name) @definition.constant
(value_specification (parenthesized_operator (_) @name)) @definition.function
(external (value_name) @name) @definition.function
(external (parenthesized_operator (_) @name)) @definition.function

(type_binding name: (type_constructor) @name body: (record_declaration) @body) @definition.struct
(type_binding name: (type_constructor) @name body: (variant_declaration) @body) @definition.enum
(type_binding name: (type_constructor) @name) @definition.type
(exception_definition (constructor_declaration (constructor_name) @name)) @definition.type

(module_binding (module_name) @name module_type: (signature) @body) @definition.module
(module_binding (module_name) @name) @definition.module
(module_type_definition (module_type_name) @name body: (_) @body) @definition.interface
(module_type_definition (module_type_name) @name) @definition.interface

(class_binding (class_name) @name class_type: (class_body_type) @body) @definition.class
(class_binding
  (class_name) @name
  class_type: (class_function_type codomain: (class_body_type) @body)) @definition.class
(class_binding (class_name) @name) @definition.class
(class_type_binding (class_type_name) @name body: (_) @body) @definition.interface
(method_specification (method_name) @name) @definition.method
(instance_variable_specification (instance_variable_name) @name) @definition.field

(type_definition . (type_binding) @wrapped .) @wrapper
(module_definition . (module_binding) @wrapped .) @wrapper
(class_definition . (class_binding) @wrapped .) @wrapper
(class_type_definition . (class_type_binding) @wrapped .) @wrapper

; Of several definitions made by one keyword the first begins with the keyword.
(type_definition "type" @attached (type_binding) (type_binding))
(type_definition "and" @attached)
(comment) @comment
