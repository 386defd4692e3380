;; visibility: exported
(function_declaration name: (identifier) @name) @symbol.function
(function_signature name: (identifier) @name) @symbol.function
(generator_function_declaration name: (identifier) @name) @symbol.function
(class_declaration name: (type_identifier) @name) @symbol.class
(abstract_class_declaration name: (type_identifier) @name) @symbol.class
(interface_declaration name: (type_identifier) @name) @symbol.interface
(type_alias_declaration name: (type_identifier) @name) @symbol.type
(enum_declaration name: (identifier) @name) @symbol.enum
(internal_module name: (identifier) @name) @symbol.namespace
(method_definition name: (property_identifier) @name) @symbol.method
(abstract_method_signature name: (property_identifier) @name) @symbol.method
(method_signature name: (property_identifier) @name) @symbol.method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (class)]) @symbol.function
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name value: (_) @value) @symbol.constant))
  (#not-match? @value "^(async )?(function|class|\\(|<|\\w+ *=>)"))
(export_statement) @frame.export
(lexical_declaration) @frame
(variable_declaration) @frame
(ambient_declaration) @frame
(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
(call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @import))
  (#eq? @_require "require"))
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @import)))
(comment) @comment
