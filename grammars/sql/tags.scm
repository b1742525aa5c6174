; The schema before a name is its container.
(create_table
  (object_reference schema: (identifier) @container name: (identifier) @name)
  .
  (column_definitions) @body) @definition.table
(create_table (object_reference name: (identifier) @name) . (column_definitions) @body) @definition.table
(create_table [(keyword_table) (keyword_exists)] . (object_reference name: (identifier) @name)) @definition.table
(create_view
  (object_reference schema: (identifier) @container name: (identifier) @name)
  (create_query) @body) @definition.table
(create_view (object_reference name: (identifier) @name) (create_query) @body) @definition.table
(create_materialized_view
  (object_reference schema: (identifier) @container name: (identifier) @name)
  (create_query) @body) @definition.table
(create_materialized_view (object_reference name: (identifier) @name) (create_query) @body) @definition.table
(create_index column: (identifier) @name) @definition.table
(create_sequence . (keyword_create) (object_reference name: (identifier) @name)) @definition.table

(create_function
  (object_reference schema: (identifier) @container name: (identifier) @name)
  .
  (function_arguments)
  (function_body) @body) @definition.function
(create_function
  (object_reference name: (identifier) @name)
  .
  (function_arguments)
  (function_body) @body) @definition.function
(create_trigger
  (keyword_trigger)
  .
  (object_reference name: (identifier) @name)) @definition.function

(create_type (object_reference schema: (identifier) @container name: (identifier) @name)) @definition.type
(create_type (object_reference name: (identifier) @name)) @definition.type
(create_schema (identifier) @name) @definition.module
(create_database . (keyword_create) (identifier) @name) @definition.module

[(comment) (marginalia)] @comment
