(normal_command (identifier) @reference.call)
(variable) @reference.other
(unquoted_argument) @reference.other
