; The equations of a function and its signature are several nodes; the registry says that they are joined.
(function name: (variable) @name match: (match) @body) @definition.function
(function name: (prefix_id (operator) @name) match: (match) @body) @definition.function
(function (infix operator: (operator) @name) match: (match) @body) @definition.function
(function (infix operator: (infix_id (variable) @name)) match: (match) @body) @definition.function

(declarations (bind name: (variable) @name match: (match) @body) @definition.function)
(class_declarations (bind name: (variable) @name match: (match) @body) @definition.method)
(instance_declarations (bind name: (variable) @name match: (match) @body) @definition.method)

(declarations (signature name: (variable) @name type: [(name) (list) (qualified)]) @definition.constant)
(declarations (signature name: (variable) @name) @definition.function)
(declarations (signature name: (prefix_id (operator) @name)) @definition.function)
(class_declarations (signature name: (variable) @name) @definition.method)
(class_declarations (signature name: (prefix_id (operator) @name)) @definition.method)
(instance_declarations (signature name: (variable) @name) @definition.method)
(local_binds (signature name: (variable) @name type: (function)) @definition.function)
(foreign_import signature: (signature name: (variable) @name)) @definition.function

(data_type
  name: (name) @name
  constructors: (data_constructors . (data_constructor constructor: (record)) .) @body) @definition.struct
(data_type name: (name) @name constructors: (_) @body) @definition.enum
(data_type name: (name) @name) @definition.enum
(newtype name: (name) @name constructor: (_) @body) @definition.struct
(class name: (name) @name declarations: (_) @body) @definition.trait
(class name: (name) @name) @definition.trait

(instance
  patterns: (type_patterns . [
    (name) @name
    (list) @name
    (parens (name) @name)
    (parens (apply constructor: (name) @name))
    (parens (apply constructor: (apply constructor: (name) @name)))
  ])
  declarations: (instance_declarations) @body) @definition.impl

(type_synonym name: (name) @name) @definition.type
(type_family name: (name) @name) @definition.type
(data_family name: (name) @name) @definition.type

(pragma) @attached
[(comment) (haddock)] @comment
