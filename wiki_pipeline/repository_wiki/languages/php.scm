;; visibility: unmarked private protected
(namespace_definition name: (namespace_name) @package)
(class_declaration name: (name) @name) @symbol.class
(interface_declaration name: (name) @name) @symbol.interface
(trait_declaration name: (name) @name) @symbol.trait
(enum_declaration name: (name) @name) @symbol.enum
(function_definition name: (name) @name) @symbol.function
(method_declaration name: (name) @name) @symbol.method
(namespace_use_clause (qualified_name) @import)
(comment) @comment
