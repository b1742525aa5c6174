; Keys at the top, tables, and the keys inside a table.
(document (pair . [(bare_key) (quoted_key) (dotted_key)] @name [(array) (inline_table)] @body) @definition.key)
(document (pair . [(bare_key) (quoted_key) (dotted_key)] @name) @definition.key)
(table . [(bare_key) (quoted_key) (dotted_key)] @name) @definition.key
(table_array_element . [(bare_key) (quoted_key) (dotted_key)] @name) @definition.key
(table (pair . [(bare_key) (quoted_key) (dotted_key)] @name [(array) (inline_table)] @body) @definition.key)
(table (pair . [(bare_key) (quoted_key) (dotted_key)] @name) @definition.key)
(table_array_element
  (pair . [(bare_key) (quoted_key) (dotted_key)] @name [(array) (inline_table)] @body) @definition.key)
(table_array_element (pair . [(bare_key) (quoted_key) (dotted_key)] @name) @definition.key)
(comment) @comment
