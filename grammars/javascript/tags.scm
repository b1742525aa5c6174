(function_declaration name: (identifier) @name body: (_) @body) @definition.function
(generator_function_declaration name: (identifier) @name body: (_) @body) @definition.function
(class_declaration name: (identifier) @name body: (_) @body) @definition.class

((method_definition name: (property_identifier) @name body: (_) @body) @definition.constructor
  (#eq? @name "constructor"))
(method_definition
  name: [(property_identifier) (private_property_identifier)] @name
  body: (_) @body) @definition.method

(field_definition
  property: [(property_identifier) (private_property_identifier)] @name
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
  ]) @definition.method
(field_definition property: [(property_identifier) (private_property_identifier)] @name) @definition.field

(pair
  key: (property_identifier) @name
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
    (generator_function body: (_) @body)
  ]) @definition.method

; A variable that holds a function or a class is one.
(variable_declarator
  name: (identifier) @name
  value: [
    (arrow_function body: (_) @body)
    (function_expression body: (_) @body)
    (generator_function body: (_) @body)
  ]) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class

; `exports.x = function`, `module.exports.x =`, `Type.prototype.x =`; the object becomes the container unless it is the
; module itself.
(expression_statement
  (assignment_expression
    left: (member_expression object: (_) @container property: (property_identifier) @name)
    right: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)
    ])) @definition.function
(expression_statement
  (assignment_expression
    left: (member_expression)
    right: [
      (class name: (identifier) @name body: (_) @body)
    ])) @definition.class
((expression_statement
  (assignment_expression
    left: (member_expression object: (_) @container property: (property_identifier) @name)
    right: (_) @_value)) @definition.variable
  (#match? @container "^(module[.])?exports$")
  ; A plain name only hands on what is defined elsewhere.
  (#not-match? @_value "^[A-Za-z0-9_$.]+$"))

; Variables of the module. `const a = require("a")` is an import.
((program
  (lexical_declaration
    kind: "const"
    (variable_declarator name: (identifier) @name value: (_) @_value) @definition.constant))
  (#not-match? @_value "^(await )?(require|import)[(]"))
((program (variable_declaration (variable_declarator name: (identifier) @name value: (_) @_value) @definition.variable))
  (#not-match? @_value "^(await )?(require|import)[(]"))
(program (variable_declaration (variable_declarator name: (identifier) @name !value) @definition.variable))
(program
  (lexical_declaration kind: "let" (variable_declarator name: (identifier) @name) @definition.variable))
(program (export_statement
  (lexical_declaration kind: "const" (variable_declarator name: (identifier) @name) @definition.constant)))
(program (export_statement
  (lexical_declaration kind: "let" (variable_declarator name: (identifier) @name) @definition.variable)))

(lexical_declaration . (variable_declarator) @wrapped .) @wrapper
(variable_declaration . (variable_declarator) @wrapped .) @wrapper
(export_statement declaration: (_) @wrapped) @wrapper
(decorator) @attached
(comment) @comment
