; A receiver type (`fun Double.toText()`) gives the container.
(function_declaration
  (user_type (identifier) @container .) . name: (identifier) @name
  (function_body) @body) @definition.function
(function_declaration
  (nullable_type (user_type (identifier) @container .)) . name: (identifier) @name
  (function_body) @body) @definition.function
(function_declaration name: (identifier) @name (function_body) @body) @definition.function
(function_declaration name: (identifier) @name) @definition.function
(secondary_constructor "constructor" @name (block) @body) @definition.constructor
(secondary_constructor "constructor" @name) @definition.constructor

(class_declaration "interface" name: (identifier) @name (class_body) @body) @definition.interface
(class_declaration "interface" name: (identifier) @name) @definition.interface
(class_declaration name: (identifier) @name (enum_class_body) @body) @definition.enum
(class_declaration name: (identifier) @name (class_body) @body) @definition.class
(class_declaration name: (identifier) @name) @definition.class
(object_declaration name: (identifier) @name (class_body) @body) @definition.class
(object_declaration name: (identifier) @name) @definition.class
(companion_object name: (identifier) @name (class_body) @body) @definition.class
(type_alias type: (identifier) @name) @definition.type

(property_declaration
  (user_type (identifier) @container .) . (variable_declaration . (identifier) @name)
  (getter) @body) @definition.field
(property_declaration
  (modifiers (property_modifier)) (variable_declaration . (identifier) @name)) @definition.constant
(source_file (property_declaration
  "val" (variable_declaration . (identifier) @name) (getter) @body) @definition.variable)
(source_file (property_declaration "val" (variable_declaration . (identifier) @name)) @definition.constant)
(source_file (property_declaration (variable_declaration . (identifier) @name)) @definition.variable)
(class_body (property_declaration
  (variable_declaration . (identifier) @name) (getter) @body) @definition.field)
(class_body (property_declaration (variable_declaration . (identifier) @name)) @definition.field)
(enum_class_body (property_declaration
  (variable_declaration . (identifier) @name) (getter) @body) @definition.field)
(enum_class_body (property_declaration (variable_declaration . (identifier) @name)) @definition.field)

(modifiers (annotation) @attached)
[(line_comment) (block_comment)] @comment
