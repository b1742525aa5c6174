; Syntax does not tell a call from an element of an array.
(simple_expression (name . (identifier) @reference.call . (parenthesis_group)))
(simple_expression (name . (library_function) @reference.call . (parenthesis_group)))
(procedure_call_statement (name . (identifier) @reference.call))
(concurrent_procedure_call_statement (name . (identifier) @reference.call))
(instantiated_unit entity: (name (identifier) @reference.call))
(instantiated_unit component: (name (identifier) @reference.call))
(component_instantiation_statement component: (name (identifier) @reference.call))
(subtype_indication type: (name [(identifier) (library_type)] @reference.type))
(function_specification type: (name [(identifier) (library_type)] @reference.type))
(architecture_definition entity: (name (identifier) @reference.type))
[
  (identifier)
  (library_type)
  (library_function)
  (library_constant)
  (library_namespace)
  (label)
] @reference.other
