; Prose is left to another grammar.
