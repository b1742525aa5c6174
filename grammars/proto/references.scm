(message_or_enum_type (identifier) @reference.type .)
(identifier) @reference.other
