; Each clause of a function is a node; the registry says that those that end with `;` are joined.
(fun_decl clause: (function_clause name: (atom) @name body: (clause_body) @body)) @definition.function
(record_decl name: (atom) @name) @definition.struct
(type_alias name: (type_name name: (atom) @name)) @definition.type
(opaque name: (type_name name: (atom) @name)) @definition.type
(callback fun: (atom) @name) @definition.function
(pp_define lhs: (macro_lhs name: [(var) (atom)] @name)) @definition.macro

(spec) @attached
(comment) @comment
