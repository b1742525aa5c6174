(command_name (word) @reference.call)
(command argument: (word) @reference.other)
(variable_name) @reference.other
