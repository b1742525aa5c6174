(call_expression function: (identifier) @reference.call)
(call_expression function: (field_expression field: (field_identifier) @reference.call))
(message_expression method: (identifier) @reference.call)
(class_interface superclass: (identifier) @reference.type)
(protocol_reference_list (identifier) @reference.type)
(class_declaration (identifier) @reference.type)
(type_identifier) @reference.type
[(identifier) (field_identifier)] @reference.other
