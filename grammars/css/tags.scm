; Each selector of a list names the rule.
(rule_set
  (selectors [
    (tag_name)
    (class_selector)
    (id_selector)
    (attribute_selector)
    (pseudo_class_selector)
    (pseudo_element_selector)
    (universal_selector)
    (nesting_selector)
    (child_selector)
    (descendant_selector)
    (sibling_selector)
    (adjacent_sibling_selector)
    (namespace_selector)
  ] @name)
  (block) @body) @definition.selector
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @definition.selector
(declaration . (property_name) @name (#match? @name "^--")) @definition.variable
(comment) @comment
