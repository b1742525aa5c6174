(function_declaration name: (identifier) @name body: (_) @body) @definition.function
(function_declaration
  name: (dot_index_expression table: (_) @container field: (identifier) @name)
  body: (_) @body) @definition.function
(function_declaration
  name: (method_index_expression table: (_) @container method: (identifier) @name)
  body: (_) @body) @definition.method
(function_declaration name: (identifier) @name) @definition.function
(function_declaration
  name: (dot_index_expression table: (_) @container field: (identifier) @name)) @definition.function
(function_declaration
  name: (method_index_expression table: (_) @container method: (identifier) @name)) @definition.method

(variable_declaration (assignment_statement
  (variable_list . name: (identifier) @name)
  (expression_list . value: [(function_definition body: (_) @body) (function_definition)]))) @definition.function
(assignment_statement
  (variable_list . name: (identifier) @name)
  (expression_list . value: [(function_definition body: (_) @body) (function_definition)])) @definition.function
(assignment_statement
  (variable_list . name: (dot_index_expression table: (_) @container field: (identifier) @name))
  (expression_list . value: [(function_definition body: (_) @body) (function_definition)])) @definition.function
(field name: (identifier) @name value: [(function_definition body: (_) @body) (function_definition)]) @definition.method

((chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition.constant)
  (#match? @name "^_*[A-Z][A-Z0-9_]+$"))
((chunk (assignment_statement (variable_list name: (identifier) @name)) @definition.constant)
  (#match? @name "^_*[A-Z][A-Z0-9_]+$"))
; Names of the file. `local a = require("a")` is an import.
((chunk (variable_declaration (assignment_statement
  (variable_list name: (identifier) @name)
  (expression_list value: (_) @_value))) @definition.variable)
  (#not-match? @_value "^require\\b"))
(chunk (variable_declaration (variable_list name: (identifier) @name)) @definition.variable)
(chunk (assignment_statement (variable_list name: (identifier) @name)) @definition.variable)
(chunk (assignment_statement
  (variable_list name: (dot_index_expression table: (_) @container field: (identifier) @name)))
  @definition.variable)

(comment) @comment
