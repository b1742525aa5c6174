(from_instruction (image_spec name: (image_name) @reference.type))
[(variable) (image_alias)] @reference.other
(arg_pair name: (unquoted_string) @reference.other)
(env_pair name: (unquoted_string) @reference.other)
