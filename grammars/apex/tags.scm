(class_declaration name: (identifier) @name body: (_) @body) @definition.class
(interface_declaration name: (identifier) @name body: (_) @body) @definition.interface
(enum_declaration name: (identifier) @name body: (_) @body) @definition.enum
(trigger_declaration name: (identifier) @name body: (_) @body) @definition.function
(constructor_declaration name: (identifier) @name body: (_) @body) @definition.constructor
(method_declaration name: (identifier) @name body: (_) @body) @definition.method
(method_declaration name: (identifier) @name) @definition.method

(field_declaration
  (modifiers (modifier (final)))
  declarator: (variable_declarator name: (identifier) @name)) @definition.constant
(field_declaration
  declarator: (variable_declarator name: (identifier) @name)
  (accessor_list) @body) @definition.field
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.field

(modifiers (annotation) @attached)
[(line_comment) (block_comment)] @comment
