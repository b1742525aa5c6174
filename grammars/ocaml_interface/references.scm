(module_application functor: (module_path (module_name) @reference.call))
(type_constructor_path (type_constructor) @reference.type)
(module_type_path (module_type_name) @reference.type)
(class_type_path (class_type_name) @reference.type)
[
  (value_name)
  (constructor_name)
  (field_name)
  (instance_variable_name)
  (method_name)
  (module_name)
  (type_constructor)
] @reference.other
