(method_invocation name: (identifier) @reference.call)
(object_creation_expression type: (type_identifier) @reference.call)
(object_creation_expression type: (generic_type (type_identifier) @reference.call))
(from_clause (storage_identifier (identifier) @reference.type))
(annotation name: (identifier) @reference.type)
(type_identifier) @reference.type
(identifier) @reference.other
