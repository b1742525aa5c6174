; What a function or class does is said in the comment below its first line. A @head is what opens a class, which
; has no node for its body.
(function_definition name: (identifier) @name . (function_arguments) . (comment) @doc . (block) @body) @definition.function
(function_definition name: (identifier) @name . (comment) @doc . (block) @body) @definition.function
(function_definition name: (identifier) @name (block) @body) @definition.function
(function_definition name: (identifier) @name) @definition.function
(function_signature name: (identifier) @name) @definition.function
(class_definition name: (identifier) @name . (superclasses) . (comment) @doc) @definition.class
(class_definition name: (identifier) @name . (comment) @doc) @definition.class
(class_definition name: (identifier) @name (superclasses) @head) @definition.class
(class_definition name: (identifier) @name @head) @definition.class
(property name: (identifier) @name) @definition.field
(comment) @comment
