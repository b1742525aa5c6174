; An @open token begins a body without a node of its own.
(function_statement (function_name) @name (script_block) @body) @definition.function
(function_statement (function_name) @name) @definition.function
(class_statement . (simple_name) @name "{" @open) @definition.class
(enum_statement . (simple_name) @name "{" @open) @definition.enum
(class_method_definition (simple_name) @name (script_block) @body) @definition.method
(class_method_definition (simple_name) @name) @definition.method
(class_property_definition (variable) @name) @definition.field
(program (statement_list (pipeline (assignment_expression (left_assignment_expression) @name) @definition.variable)))
(comment) @comment
