; @start marks what reaches to the next of its kind.
; Labels that begin with a dot stay inside a function or are read by the assembler alone.
(label . (ident) @name (#not-match? @name "^[.]")) @definition.function @start
(label name: (word) @name) @definition.function @start
(const name: (word) @name) @definition.constant
[(line_comment) (block_comment)] @comment
