; What a statement of a test says of an expression.
;
; @says                   the statement
; @value, @expected       two expressions that are the same
; @true, @false           an expression that holds, or does not

(module (assert_statement . (comparison_operator . (_) @value . "==" . (_) @expected .)) @says)
(module (assert_statement . (comparison_operator . (_) @value . "is" . (_) @expected .)) @says)
(module (assert_statement . (call) @true) @says)
(module (assert_statement . (not_operator argument: (_) @false)) @says)

(module (expression_statement (call
  function: (attribute attribute: (identifier) @_name)
  arguments: (argument_list . (_) @value . (_) @expected))) @says
  (#any-of? @_name "assertEqual" "assertEquals" "assertIs" "assertListEqual" "assertDictEqual" "assertTupleEqual"
    "assertSetEqual" "assertSequenceEqual" "assertMultiLineEqual" "assertAlmostEqual"))
(module (expression_statement (call
  function: (attribute attribute: (identifier) @_name)
  arguments: (argument_list . (_) @true))) @says
  (#eq? @_name "assertTrue"))
(module (expression_statement (call
  function: (attribute attribute: (identifier) @_name)
  arguments: (argument_list . (_) @false))) @says
  (#eq? @_name "assertFalse"))
