; Which names a file binds where. Of several patterns that capture an identifier the last decides.
;
; @scope.function, @scope.class, @scope.block   opens a scope; what a class binds is not seen by functions inside it
; @outside                                      stands in a scope and belongs to the one around it
; @definition                                   binds a name in its scope
; @definition.function                          the same, past scopes of blocks
; @definition.global                            binds a name of the module
; @import                                       the same as @definition, by an import
; @reference                                    uses a name; @member is what is asked of it
; @ignored                                      a name that belongs to something else
; @guarded                                      a part that expects a name to be missing
; @opaque                                       binds names that cannot be told: nothing is said of such a file

(identifier) @reference

(function_definition) @scope.function
(lambda) @scope.function
(class_definition) @scope.class
(list_comprehension) @scope.block
(set_comprehension) @scope.block
(dictionary_comprehension) @scope.block
(generator_expression) @scope.block

(function_definition name: (identifier) @definition @outside)
(function_definition return_type: (_) @outside)
(class_definition name: (identifier) @definition @outside)
(class_definition superclasses: (_) @outside)
(default_parameter value: (_) @outside)
(typed_default_parameter type: (_) @outside value: (_) @outside)
(typed_parameter type: (_) @outside)

; Parameters of types are told apart from the arguments of types by where they stand.
(function_definition type_parameters: (type_parameter (type (identifier) @definition.global)))
(function_definition type_parameters: (type_parameter (type (splat_type (identifier) @definition.global))))
(function_definition type_parameters: (type_parameter (type (constrained_type . (type (identifier) @definition.global)))))
(class_definition type_parameters: (type_parameter (type (identifier) @definition.global)))
(class_definition type_parameters: (type_parameter (type (splat_type (identifier) @definition.global))))
(class_definition type_parameters: (type_parameter (type (constrained_type . (type (identifier) @definition.global)))))
(type_alias_statement left: (type (identifier) @definition))
(type_alias_statement left: (type (generic_type (identifier) @definition)))
(type_alias_statement left: (type (generic_type (type_parameter (type (identifier) @definition)))))
(type_alias_statement left: (type (generic_type (type_parameter (type (splat_type (identifier) @definition))))))
(type_alias_statement left: (type (generic_type (type_parameter (type (constrained_type . (type (identifier) @definition)))))))
(member_type (identifier) @ignored)

(parameters (identifier) @definition)
(lambda_parameters (identifier) @definition)
(default_parameter name: (identifier) @definition)
(typed_default_parameter name: (identifier) @definition)
(typed_parameter . (identifier) @definition)

; `x += 1` uses a name that something else must bind.
(assignment left: (identifier) @definition)
(named_expression name: (identifier) @definition.function)
(for_statement left: (identifier) @definition)
(for_in_clause left: (identifier) @definition)
(pattern_list (identifier) @definition)
(tuple_pattern (identifier) @definition)
(list_pattern (identifier) @definition)
(list_splat_pattern (identifier) @definition)
(dictionary_splat_pattern (identifier) @definition)
(as_pattern_target (identifier) @definition)
(as_pattern_target (parenthesized_expression (identifier) @definition))
(as_pattern_target (tuple (identifier) @definition))
(as_pattern_target (tuple (tuple (identifier) @definition)))
(as_pattern_target (tuple (list_splat (identifier) @definition)))
(as_pattern_target (list (identifier) @definition))
(global_statement (identifier) @definition.global)
(nonlocal_statement (identifier) @definition)
; To Python this binds a name as an assignment does.
(delete_statement (identifier) @definition)
(delete_statement (expression_list (identifier) @definition))

(dotted_name (identifier) @ignored)
(class_pattern (dotted_name . (identifier) @reference))
(case_pattern (dotted_name . (identifier) @reference))
(case_pattern (dotted_name . (identifier) @definition .))
(union_pattern (dotted_name . (identifier) @definition .))
(keyword_pattern . (identifier) @ignored)
(keyword_pattern (dotted_name . (identifier) @definition .))
(splat_pattern (identifier) @definition)
(as_pattern (case_pattern) (identifier) @definition)

(attribute object: (identifier) @reference attribute: (identifier) @member)
(attribute attribute: (identifier) @ignored)
(keyword_argument name: (identifier) @ignored)

(import_statement name: (dotted_name . (identifier) @import))
(import_statement name: (aliased_import alias: (identifier) @import))
(import_from_statement name: (dotted_name (identifier) @import))
(import_from_statement name: (aliased_import alias: (identifier) @import))
(future_import_statement name: (aliased_import alias: (identifier) @import))

(try_statement body: (block) @guarded (except_clause !value))
(try_statement body: (block) @guarded (except_clause value: (_) @error) (#match? @error "NameError"))

(wildcard_import) @opaque
(exec_statement) @opaque
(print_statement) @opaque
((call function: (identifier) @opaque) (#any-of? @opaque "exec" "execfile" "globals" "locals"))
; Enumerations that put their members into the module.
(attribute attribute: (identifier) @opaque (#any-of? @opaque "_convert_" "global_enum"))
