(instruction
  kind: (word) @reference.other . (ident) @reference.call
  (#match? @reference.other "^(call|callq|bl|blx|blr|jal|jmp|bsr|jsr|CALL|JMP|BL)$"))
[(ident) (reg)] @reference.other
