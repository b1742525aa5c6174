(binary_operator lhs: (identifier) @name rhs: (function_definition body: (_) @body)) @definition.function
(binary_operator lhs: (string content: (string_content) @name) rhs: (function_definition body: (_) @body))
  @definition.function

; Classes and generics are made by calls.
((binary_operator
  lhs: (identifier) @name
  rhs: (call function: (_) @_function arguments: (_) @body)) @definition.class
  (#match? @_function "^(R6::|methods::|S7::)?(R6Class|setRefClass|setClass|new_class)$"))
((call
  function: (identifier) @_function
  arguments: (arguments . (argument value: (string content: (string_content) @name)))) @definition.class
  (#match? @_function "^(setClass|setRefClass)$"))
((call
  function: (identifier) @_function
  arguments: (arguments
    . (argument value: (string content: (string_content) @name))
    (argument value: (string content: (string_content) @container))
    (argument value: (function_definition body: (_) @body)))) @definition.method
  (#eq? @_function "setMethod"))
((call
  function: (identifier) @_function
  arguments: (arguments . (argument value: (string content: (string_content) @name)))) @definition.function
  (#match? @_function "^(setGeneric|setMethod)$"))
; The members in `public = list(name = function(…) …)`.
(argument name: (identifier) value: (call arguments: (arguments
  (argument name: (identifier) @name value: (function_definition body: (_) @body)) @definition.method)))

((program (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"]) @definition.constant)
  (#match? @name "^[A-Z][A-Z0-9_.]*$"))
(program (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"]) @definition.variable)
(program (binary_operator
  lhs: (string content: (string_content) @name)
  operator: ["<-" "=" "<<-"]) @definition.variable)
(program (binary_operator operator: ["->" "->>"] rhs: (identifier) @name) @definition.variable)

(comment) @comment
