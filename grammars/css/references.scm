(call_expression (function_name) @reference.call)
(class_name) @reference.other
(id_name) @reference.other
(arguments (plain_value) @reference.other (#match? @reference.other "^--"))
