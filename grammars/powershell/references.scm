(command command_name: (command_name) @reference.call)
(invokation_expression (member_name (simple_name) @reference.call))
(type_name (type_identifier) @reference.type)
(type_spec (type_name) @reference.type)
(class_statement . (simple_name) . (simple_name) @reference.type)
[(simple_name) (variable) (type_identifier)] @reference.other
