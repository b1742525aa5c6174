(call expr: (atom) @reference.call)
(macro_call_expr name: [(var) (atom)] @reference.call)
(internal_fun fun: (atom) @reference.call)
(record_name name: (atom) @reference.type)
(type_name name: (atom) @reference.type)
(behaviour_attribute name: (atom) @reference.type)
[(atom) (var)] @reference.other
