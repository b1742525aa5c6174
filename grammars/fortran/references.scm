(call_expression (identifier) @reference.call)
(call_expression (derived_type_member_expression (type_member) @reference.call))
(subroutine_call subroutine: (identifier) @reference.call)
(subroutine_call subroutine: (derived_type_member_expression (type_member) @reference.call))
(base_type_specifier (identifier) @reference.type)
(type_name) @reference.type
[(identifier) (type_member) (module_name) (method_name) (name)] @reference.other
