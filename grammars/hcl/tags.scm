; A block is named by its last label; the label before it is its container.
(config_file
  (body
    (block
      (identifier)
      .
      (string_lit (template_literal) @container)
      .
      (string_lit (template_literal) @name)
      .
      (block_start)
      (body) @body) @definition.target))
(config_file
  (body
    (block
      (identifier) @_kind
      .
      (string_lit (template_literal) @name)
      .
      (block_start)
      (body) @body) @definition.variable)
  (#eq? @_kind "variable"))
(config_file
  (body
    (block
      (identifier) @_kind
      .
      (string_lit (template_literal) @name)
      .
      (block_start)
      (body) @body) @definition.module)
  (#eq? @_kind "module"))
(config_file
  (body
    (block
      (identifier)
      .
      (string_lit (template_literal) @name)
      .
      (block_start)
      (body)? @body) @definition.section))
(config_file (body (block . (identifier) @name . (block_start) (body) @body) @definition.section))

(config_file
  (body
    (block
      .
      (identifier) @_kind
      .
      (block_start)
      (body (attribute . (identifier) @name) @definition.variable)))
  (#eq? @_kind "locals"))
(config_file (body (attribute . (identifier) @name) @definition.variable))
(comment) @comment
