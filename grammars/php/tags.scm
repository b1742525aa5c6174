(function_definition name: (name) @name body: (_) @body) @definition.function
((method_declaration name: (name) @name body: (_) @body) @definition.constructor
  (#eq? @name "__construct"))
(method_declaration name: (name) @name body: (_) @body) @definition.method
(method_declaration name: (name) @name) @definition.method

(class_declaration name: (name) @name body: (_) @body) @definition.class
(interface_declaration name: (name) @name body: (_) @body) @definition.interface
(trait_declaration name: (name) @name body: (_) @body) @definition.trait
(enum_declaration name: (name) @name body: (_) @body) @definition.enum
(namespace_definition name: (namespace_name) @name body: (_) @body) @definition.module
(namespace_definition name: (namespace_name) @name) @definition.module

(const_declaration (const_element . (name) @name)) @definition.constant
(property_declaration (property_element name: (variable_name (name) @name))) @definition.field
((expression_statement (function_call_expression
  function: (name) @_function
  arguments: (arguments . (argument (string (string_content) @name))))) @definition.constant
  (#eq? @_function "define"))
(program (expression_statement
  (assignment_expression left: (variable_name (name) @name))) @definition.variable)

(attribute_list) @attached
(comment) @comment
