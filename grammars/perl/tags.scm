(subroutine_declaration_statement name: (bareword) @name body: (block) @body) @definition.function
(subroutine_declaration_statement name: (bareword) @name) @definition.function
(method_declaration_statement name: (bareword) @name body: (block) @body) @definition.method
(expression_statement (assignment_expression
  left: (variable_declaration variable: (scalar (varname) @name))
  right: (anonymous_subroutine_expression body: (block) @body))) @definition.function

(package_statement name: (package) @name (block) @body) @definition.module
(package_statement name: (package) @name) @definition.module
(class_statement name: (package) @name (block) @body) @definition.class
(class_statement name: (package) @name) @definition.class

((use_statement
  module: (package) @_module
  (list_expression . (autoquoted_bareword) @name)) @definition.constant
  (#eq? @_module "constant"))
((use_statement
  module: (package) @_module
  (anonymous_hash_expression (list_expression (autoquoted_bareword) @name))) @definition.constant
  (#eq? @_module "constant"))

; Variables of the file, of a package and of a class.
(source_file (expression_statement (assignment_expression left: (variable_declaration
  variable: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)]))) @definition.variable)
(source_file (expression_statement (variable_declaration
  variable: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)])) @definition.variable)
(source_file (expression_statement (variable_declaration
  variables: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)])) @definition.variable)
(package_statement (block (expression_statement (assignment_expression left: (variable_declaration
  variable: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)]))) @definition.variable))
(class_statement (block (expression_statement (assignment_expression left: (variable_declaration
  variable: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)]))) @definition.field))
(class_statement (block (expression_statement (variable_declaration
  variable: [(scalar (varname) @name) (array (varname) @name) (hash (varname) @name)])) @definition.field))

[(comment) (pod)] @comment
