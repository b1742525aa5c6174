; A function that returns a type is how a generic type is written.
(function_declaration
  name: (identifier) @name
  type: (builtin_type)
  body: (block (expression_statement (return_expression
    [(struct_declaration) (union_declaration) (enum_declaration)]))) @body) @definition.struct
(function_declaration name: (identifier) @name body: (block) @body) @definition.function
(function_declaration name: (identifier) @name) @definition.function
(test_declaration (string (string_content) @name) (block) @body) @definition.function
(test_declaration (identifier) @name (block) @body) @definition.function

(variable_declaration "const" . (identifier) @name (struct_declaration) @body) @definition.struct
(variable_declaration "const" . (identifier) @name (union_declaration) @body) @definition.struct
(variable_declaration "const" . (identifier) @name (opaque_declaration) @body) @definition.struct
(variable_declaration "const" . (identifier) @name (enum_declaration) @body) @definition.enum
(variable_declaration "const" . (identifier) @name (error_set_declaration) @body) @definition.enum
(variable_declaration "const" . (identifier) @name [(pointer_type) (function_signature)] .) @definition.type

; Names of the file or of a type. `const std = @import("std")` is an import.
((variable_declaration "const" . (identifier) @name (_) @_value .) @definition.constant
  (#not-match? @_value "^@(import|This|cImport)\\b"))
(variable_declaration "var" . (identifier) @name) @definition.variable

(comment) @comment
