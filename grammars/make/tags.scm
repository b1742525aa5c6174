; `.PHONY` and the like are no targets.
(rule (targets (word) @name) (recipe) @body (#not-match? @name "^[.][A-Z]")) @definition.target
(rule (targets (word) @name) (#not-match? @name "^[.][A-Z]")) @definition.target
(define_directive name: (word) @name value: (raw_text) @body) @definition.macro
(variable_assignment name: (word) @name) @definition.variable
(shell_assignment name: (word) @name) @definition.variable

(export_directive (variable_assignment) @wrapped) @wrapper
(override_directive (variable_assignment) @wrapped) @wrapper
(private_directive (variable_assignment) @wrapped) @wrapper
(comment) @comment
