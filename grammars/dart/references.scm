(call_expression function: (identifier) @reference.call)
(call_expression function: (member_expression property: (identifier) @reference.call))
(cascade_call_expression property: (identifier) @reference.call)
(new_expression type: (type (type_identifier) @reference.call))
(annotation name: (identifier) @reference.type)
(type_identifier) @reference.type
(identifier) @reference.other
