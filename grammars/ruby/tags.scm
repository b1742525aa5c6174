((method name: (identifier) @name body: (_) @body) @definition.constructor
  (#eq? @name "initialize"))
(method name: (_) @name body: (_) @body) @definition.function
(method name: (_) @name) @definition.function
(singleton_method object: (_) @container name: (_) @name body: (_) @body) @definition.function
(singleton_method object: (_) @container name: (_) @name) @definition.function
(alias name: [(identifier) (operator)] @name) @definition.function

(class name: (constant) @name body: (_) @body) @definition.class
(class name: (constant) @name) @definition.class
(class name: (scope_resolution scope: (_) @container name: (constant) @name) body: (_) @body) @definition.class
(class name: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.class
(module name: (constant) @name body: (_) @body) @definition.module
(module name: (constant) @name) @definition.module
(module name: (scope_resolution scope: (_) @container name: (constant) @name) body: (_) @body) @definition.module

((assignment left: (constant) @name right: (call block: (_) @body) @_value) @definition.class
  (#match? @_value "^(Struct|Class|Data)[.](new|define)\\b"))
((assignment left: (constant) @name right: (call) @_value) @definition.class
  (#match? @_value "^(Struct|Class|Data)[.](new|define)\\b"))
(assignment left: (constant) @name) @definition.constant
(assignment left: (class_variable) @name) @definition.variable
(assignment left: (global_variable) @name) @definition.variable
(program (assignment left: (identifier) @name) @definition.variable)

; What is defined by a call.
((call method: (identifier) @_method arguments: (argument_list (simple_symbol) @name)) @definition.field
  (#match? @_method "^attr_(reader|writer|accessor)$"))
((call
  method: (identifier) @_method
  arguments: (argument_list . (simple_symbol) @name)
  block: (_) @body) @definition.method
  (#eq? @_method "define_method"))
((call method: (identifier) @_method arguments: (argument_list . (simple_symbol) @name)) @definition.method
  (#match? @_method "^(alias_method|define_method)$"))

; `private def …`
(call arguments: (argument_list . [(method) (singleton_method)] @wrapped .)) @wrapper
(comment) @comment
