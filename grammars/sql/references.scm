(invocation (object_reference name: (identifier) @reference.call))
(create_trigger (keyword_function) . (object_reference name: (identifier) @reference.call))
(column_definition custom_type: (object_reference name: (identifier) @reference.type))
(identifier) @reference.other
