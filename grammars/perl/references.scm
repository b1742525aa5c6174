(function_call_expression function: (function) @reference.call)
(ambiguous_function_call_expression function: (function) @reference.call)
(method_call_expression method: (method) @reference.call)
(method_call_expression invocant: (bareword) @reference.type)
(package) @reference.type
[(bareword) (autoquoted_bareword) (function) (method) (varname)] @reference.other
