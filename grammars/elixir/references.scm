(call
  target: (identifier) @reference.call
  (#not-match? @reference.call "^(def|defp|defn|defnp|defmodule|defmacro|defmacrop|defprotocol|defimpl|defstruct|defexception|defdelegate|defguard|defguardp|use|import|alias|require|moduledoc|doc|typedoc|spec|type|typep|opaque|callback|impl|quote|unquote|if|unless|case|cond|with|for|receive|try)$"))
(call target: (dot right: (identifier) @reference.call))
(struct (alias) @reference.type)
[(identifier) (alias)] @reference.other
