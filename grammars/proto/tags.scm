(message (message_name (identifier) @name) (message_body) @body) @definition.struct
(enum (enum_name (identifier) @name) (enum_body) @body) @definition.enum
; An @open token begins a body without a node of its own.
(service (service_name (identifier) @name) "{" @open) @definition.interface
(rpc (rpc_name (identifier) @name) "{" @open) @definition.method
(rpc (rpc_name (identifier) @name)) @definition.method
(comment) @comment
