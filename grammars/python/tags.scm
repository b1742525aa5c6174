(function_definition name: (identifier) @name body: (block) @body) @definition.function
(class_definition name: (identifier) @name body: (block) @body) @definition.class
(decorated_definition definition: (_) @wrapped) @wrapper
(decorator) @attached

; Which of these stand at the top of a module or class is told by what encloses them.
((expression_statement (assignment left: (identifier) @name)) @definition.constant
  (#match? @name "^_*[A-Z][A-Z0-9_]*$"))
(expression_statement (assignment left: (identifier) @name)) @definition.variable
(type_alias_statement left: (type (identifier) @name)) @definition.type

(block . (expression_statement (string) @doc))
(comment) @comment
