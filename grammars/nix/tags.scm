(binding
  attrpath: (attrpath) @name
  expression: (function_expression body: (_) @body)) @definition.function

(let_expression
  (binding_set
    (binding
      attrpath: (attrpath) @name
      expression: [
        (attrset_expression) @body
        (rec_attrset_expression) @body
        (apply_expression argument: [(attrset_expression) (rec_attrset_expression)] @body)
      ]) @definition.variable))
(let_expression (binding_set (binding attrpath: (attrpath) @name) @definition.variable))

; What a set names that is the value of a file, of a function or of another name.
(source_code (attrset_expression (binding_set (binding attrpath: (attrpath) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
(source_code (rec_attrset_expression (binding_set (binding attrpath: (attrpath) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
(let_expression
  body: (attrset_expression (binding_set (binding attrpath: (attrpath) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
(function_expression
  body: (attrset_expression (binding_set (binding attrpath: (attrpath) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
(binding
  expression: (attrset_expression (binding_set (binding attrpath: (attrpath) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
; Of the sets that are arguments, only paths: settings of a module, not the parts of a call.
(apply_expression
  argument: (attrset_expression
    (binding_set (binding attrpath: (attrpath (_) . (_)) @name expression: [(attrset_expression) @body (_)]) @definition.key)))
(comment) @comment
