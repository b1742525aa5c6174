; Headings, and what has an id.
(element
  (start_tag (tag_name) @_tag) . (text) @name
  (#match? @_tag "^[hH][1-3]$")) @definition.section
(element
  [
    (start_tag (attribute (attribute_name) @_attribute [
      (attribute_value) @name
      (quoted_attribute_value (attribute_value) @name)
    ]))
    (self_closing_tag (attribute (attribute_name) @_attribute [
      (attribute_value) @name
      (quoted_attribute_value (attribute_value) @name)
    ]))
  ]
  (#eq? @_attribute "id")) @definition.section
(script_element
  (start_tag (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_attribute "id")) @definition.section
(style_element
  (start_tag (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_attribute "id")) @definition.section
(comment) @comment
