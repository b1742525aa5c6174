; A definition has no node for its body: the nodes after the head are its body together.
(function_definition
  (signature [
    (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])
    (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])))
  ])
  (_) @body) @definition.function
(function_definition
  (signature [
    (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])
    (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])))
    (identifier) @name
  ])) @definition.function
(assignment
  . [
    (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])
    (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ]))
    (where_expression . (typed_expression . (call_expression . [
      (identifier) @name
      (operator) @name
      (field_expression (identifier) @name .)
      (field_expression (quote_expression (operator) @name))
      (parametrized_type_expression . (identifier) @name)
    ])))
  ]
  (_) @body .) @definition.function
(macro_definition (signature (call_expression . (identifier) @name)) (_) @body) @definition.macro

(struct_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))
  ])
  (_) @body) @definition.struct
(struct_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))
  ])) @definition.struct
(abstract_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))
  ])) @definition.type
(primitive_definition
  (type_head [
    (identifier) @name
    (parametrized_type_expression . (identifier) @name)
    (binary_expression . (identifier) @name)
    (binary_expression . (parametrized_type_expression . (identifier) @name))
  ])) @definition.type
((macrocall_expression
  (macro_identifier (identifier) @_macro)
  (macro_argument_list . (identifier) @name)) @definition.enum
  (#eq? @_macro "enum"))
(module_definition name: (identifier) @name (_) @body) @definition.module
(module_definition name: (identifier) @name) @definition.module

(const_statement (assignment . (identifier) @name)) @definition.constant
(global_statement (assignment . (identifier) @name)) @definition.variable
(source_file (assignment . (identifier) @name) @definition.variable)
(source_file (assignment . (typed_expression . (identifier) @name)) @definition.variable)
(module_definition (assignment . (identifier) @name) @definition.variable)
(module_definition (assignment . (typed_expression . (identifier) @name)) @definition.variable)

; `@inline function …`
(macrocall_expression (macro_argument_list
  [(function_definition) (struct_definition) (assignment)] @wrapped .)) @wrapper

[(line_comment) (block_comment)] @comment
; A string above a definition documents it.
(source_file
  (string_literal) @comment
  . [
    (module_definition)
    (function_definition)
    (macro_definition)
    (struct_definition)
    (abstract_definition)
    (primitive_definition)
    (const_statement)
    (assignment)
    (macrocall_expression)
  ])
(module_definition
  (string_literal) @comment
  . [
    (module_definition)
    (function_definition)
    (macro_definition)
    (struct_definition)
    (abstract_definition)
    (primitive_definition)
    (const_statement)
    (assignment)
    (macrocall_expression)
  ])
