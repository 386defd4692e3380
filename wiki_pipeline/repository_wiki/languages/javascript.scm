;; visibility: exported
(function_declaration name: (identifier) @name) @symbol.function
(generator_function_declaration name: (identifier) @name) @symbol.function
(class_declaration name: (identifier) @name) @symbol.class
(method_definition name: (property_identifier) @name) @symbol.method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (class)]) @symbol.function
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name value: (_) @value) @symbol.constant))
  (#not-match? @value "^(async )?(function|class|\\(|\\w+ *=>)"))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [(function_expression) (arrow_function) (class)]) @symbol.function))
(export_statement) @frame.export
(lexical_declaration) @frame
(variable_declaration) @frame
(expression_statement) @frame
(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
(call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @import))
  (#eq? @_require "require"))
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @import)))
(comment) @comment
