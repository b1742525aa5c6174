(module_declaration (module_ansi_header name: (_) @name) . (_) @open) @definition.module
(module_declaration (module_nonansi_header name: (_) @name) . (_) @open) @definition.module
(module_declaration (module_ansi_header name: (_) @name)) @definition.module
(module_declaration (module_nonansi_header name: (_) @name)) @definition.module
(program_declaration (program_ansi_header name: (_) @name)) @definition.module
(package_declaration name: (_) @name . (_) @open) @definition.module
(package_declaration name: (_) @name) @definition.module
(checker_declaration name: (_) @name) @definition.module
(interface_declaration (interface_ansi_header name: (_) @name) . (_) @open) @definition.interface
(interface_declaration (interface_nonansi_header name: (_) @name) . (_) @open) @definition.interface
(interface_class_declaration name: (_) @name (interface_class_item) @open) @definition.interface
(class_declaration name: (_) @name (class_item) @open) @definition.class
(class_declaration name: (_) @name) @definition.class

(function_declaration
  (function_body_declaration
    name: (_) @name [(block_item_declaration) (function_statement_or_null)] @open)) @definition.function
(function_declaration (function_body_declaration name: (_) @name)) @definition.function
(task_declaration
  (task_body_declaration name: (_) @name [(block_item_declaration) (statement_or_null)] @open)) @definition.function
(task_declaration (task_body_declaration name: (_) @name)) @definition.function
(class_method (function_prototype name: (_) @name)) @definition.method
(class_method (task_prototype name: (_) @name)) @definition.method
(class_constructor_declaration
  "new" @name [(block_item_declaration) (function_statement_or_null)] @open) @definition.constructor
(class_constructor_declaration "new" @name) @definition.constructor

; Processes whose block has a name.
(always_construct
  (statement (statement_item (seq_block . (simple_identifier) @name) @body))) @definition.function
(always_construct
  (statement (statement_item (procedural_timing_control_statement
    (statement_or_null (statement (statement_item
      (seq_block . (simple_identifier) @name) @body))))))) @definition.function
(initial_construct
  (statement_or_null (statement (statement_item
    (seq_block . (simple_identifier) @name) @body)))) @definition.function

(type_declaration (data_type (struct_union)) type_name: (_) @name) @definition.struct
(type_declaration (data_type (enum_name_declaration)) type_name: (_) @name) @definition.enum
(type_declaration type_name: (_) @name) @definition.type

(parameter_declaration (list_of_param_assignments (param_assignment . (_) @name))) @definition.constant
(local_parameter_declaration (list_of_param_assignments (param_assignment . (_) @name))) @definition.constant
(class_property
  (data_declaration (list_of_variable_decl_assignments (variable_decl_assignment name: (_) @name)))) @definition.field
(module_declaration
  (data_declaration
    (list_of_variable_decl_assignments (variable_decl_assignment name: (_) @name))) @definition.variable)
(interface_declaration
  (data_declaration
    (list_of_variable_decl_assignments (variable_decl_assignment name: (_) @name))) @definition.variable)
(package_item
  (data_declaration
    (list_of_variable_decl_assignments (variable_decl_assignment name: (_) @name))) @definition.variable)
(net_declaration (list_of_net_decl_assignments (net_decl_assignment . (simple_identifier) @name))) @definition.variable
(text_macro_definition (text_macro_name (_) @name)) @definition.macro

(class_method (function_declaration) @wrapped) @wrapper
(class_method (task_declaration) @wrapped) @wrapper
(class_method (class_constructor_declaration) @wrapped) @wrapper
[(one_line_comment) (block_comment)] @comment
