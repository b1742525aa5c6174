; Nearly everything is a call, so what is defined is told by the name of the macro.
(call
  target: (identifier) @_macro
  (arguments . (alias) @name)
  (do_block
    (unary_operator
      operand: (call target: (identifier) @_attribute (arguments (string) @doc)))) @body
  (#eq? @_macro "defmodule")
  (#eq? @_attribute "moduledoc")) @definition.module
(call
  target: (identifier) @_macro
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_macro "defmodule")) @definition.module
(call
  target: (identifier) @_macro
  (arguments . (alias) @name)
  (do_block) @body
  (#eq? @_macro "defprotocol")) @definition.interface
(call
  target: (identifier) @_macro
  (arguments (keywords (pair value: (alias) @name)))
  (do_block) @body
  (#eq? @_macro "defimpl")) @definition.impl
(call
  target: (identifier) @_macro
  (arguments . (alias) @name .)
  (do_block) @body
  (#eq? @_macro "defimpl")) @definition.impl

(call
  target: (identifier) @_macro
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator left: (call target: (identifier) @name) operator: "when")
  ])
  (do_block) @body
  (#match? @_macro "^(def|defp|defn|defnp)$")) @definition.function
(call
  target: (identifier) @_macro
  (arguments
    .
    [
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (identifier) @name operator: "when")
      (binary_operator left: (call target: (identifier) @name) operator: "when")
    ]
    (keywords) @body)
  (#match? @_macro "^(def|defp|defn|defnp)$")) @definition.function
(call
  target: (identifier) @_macro
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (call target: (identifier) @name) operator: "when")
  ])
  (#match? @_macro "^(def|defp|defdelegate)$")) @definition.function

(call
  target: (identifier) @_macro
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (call target: (identifier) @name) operator: "when")
  ])
  (do_block) @body
  (#match? @_macro "^(defmacro|defmacrop)$")) @definition.macro
(call
  target: (identifier) @_macro
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: (call target: (identifier) @name) operator: "when")
  ])
  (#match? @_macro "^(defmacro|defmacrop|defguard|defguardp)$")) @definition.macro

(unary_operator
  operand: (call
    target: (identifier) @_attribute
    (arguments (binary_operator left: [
      (identifier) @name
      (call target: (identifier) @name)
    ])))
  (#match? @_attribute "^(type|typep|opaque)$")) @definition.type
(unary_operator
  operand: (call
    target: (identifier) @_attribute
    (arguments (binary_operator left: (call target: (identifier) @name))))
  (#match? @_attribute "^(callback|macrocallback)$")) @definition.function
(unary_operator
  operand: (call target: (identifier) @_attribute (arguments (string) @doc))
  (#match? @_attribute "^(doc|typedoc)$"))
(unary_operator
  operand: (call target: (identifier) @_attribute)
  (#match? @_attribute "^(doc|typedoc|spec|impl|deprecated|since|dialyzer|tag|describetag|compile)$")) @attached
(do_block
  (unary_operator
    operand: (call target: (identifier) @name (arguments))) @definition.constant
  (#not-match? @name "^(moduledoc|doc|typedoc|type|typep|opaque|spec|callback|macrocallback|optional_callbacks|impl|behaviour|derive|deprecated|since|dialyzer|tag|moduletag|describetag|compile|enforce_keys|on_load|before_compile|after_compile|external_resource)$"))
(comment) @comment
