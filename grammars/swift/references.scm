; An index in brackets is a call to the grammar too.
(call_expression (simple_identifier) @reference.call (call_suffix (value_arguments "(")))
(call_expression (simple_identifier) @reference.call (call_suffix (lambda_literal)))
(call_expression
  (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference.call))
  (call_suffix (value_arguments "(")))
(call_expression
  (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference.call))
  (call_suffix (lambda_literal)))
(constructor_expression constructed_type: (user_type (type_identifier) @reference.call .))
(macro_invocation . (simple_identifier) @reference.call)
(type_identifier) @reference.type
(simple_identifier) @reference.other
