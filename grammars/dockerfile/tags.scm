; @start marks what reaches to the next of its kind. A stage without a name has that of its image.
(from_instruction as: (image_alias) @name) @definition.target @start
(from_instruction !as (image_spec name: (image_name) @name)) @definition.target @start
(arg_instruction (arg_pair name: (_) @name)) @definition.variable
(env_instruction (env_pair name: (_) @name)) @definition.variable
(comment) @comment
