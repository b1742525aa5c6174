(method_invocation function: (identifier) @reference.call)
(method_invocation function: (field_access field: (identifier) @reference.call))
(command_chain receiver: (identifier) @reference.call)
(object_creation_expression type: (type_identifier) @reference.call)
(object_creation_expression type: (generic_type base: (type_identifier) @reference.call))
(annotation name: (qualified_name (identifier) @reference.type))
(type_identifier) @reference.type
(identifier) @reference.other
