(function_call name: (identifier) @reference.call)
(command (command_name) @reference.call)
(superclasses (property_name (identifier) @reference.type .))
(identifier) @reference.other
