(function_def
  (function_command (argument_list . (argument (unquoted_argument) @name)))
  (body) @body) @definition.function
(macro_def
  (macro_command (argument_list . (argument (unquoted_argument) @name)))
  (body) @body) @definition.macro

; A name that is made of variables is known only to CMake.
(normal_command
  (identifier) @_command (argument_list . (argument (unquoted_argument) @name))
  (#match? @_command "^(?i)add_(library|executable|custom_target)$")
  (#not-match? @name "[$]")) @definition.target
(normal_command
  (identifier) @_command (argument_list . (argument (unquoted_argument) @name))
  (#match? @_command "^(?i)(set|option)$")
  (#not-match? @name "[$]")) @definition.variable

[(line_comment) (bracket_comment)] @comment
