(call_expression . (identifier) @reference.call)
(call_expression . (navigation_expression (identifier) @reference.call .))
(delegation_specifier (constructor_invocation (user_type (identifier) @reference.call .)))
(user_type (identifier) @reference.type)
(callable_reference (identifier) @reference.call .)
(identifier) @reference.other
