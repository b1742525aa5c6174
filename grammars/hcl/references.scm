(function_call (identifier) @reference.call)
(identifier) @reference.other
