(apply function: (variable) @reference.call)
(apply function: (qualified id: (variable) @reference.call))
(apply function: (constructor) @reference.call)
(apply function: (qualified id: (constructor) @reference.call))
(infix operator: (infix_id (variable) @reference.call))
(infix operator: (infix_id (qualified id: (variable) @reference.call)))
(infix operator: (operator) @reference.call)
(name) @reference.type
[(variable) (constructor) (operator)] @reference.other
