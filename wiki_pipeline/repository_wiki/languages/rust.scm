;; visibility: marked pub
(function_item name: (identifier) @name) @symbol.function
(function_signature_item name: (identifier) @name) @symbol.function
(struct_item name: (type_identifier) @name) @symbol.struct
(enum_item name: (type_identifier) @name) @symbol.enum
(union_item name: (type_identifier) @name) @symbol.union
(trait_item name: (type_identifier) @name) @symbol.trait
(type_item name: (type_identifier) @name) @symbol.type
(const_item name: (identifier) @name) @symbol.constant
(static_item name: (identifier) @name) @symbol.constant
(macro_definition name: (identifier) @name) @symbol.macro
(impl_item !trait type: (type_identifier) @name) @scope
(impl_item !trait type: (generic_type type: (type_identifier) @name)) @scope
(impl_item trait: (_) type: (_) @name) @scope.hidden
(mod_item name: (identifier) @name body: (_)) @scope.module
(source_file (mod_item name: (identifier) @module !body))
(use_declaration argument: (_) @import)
(attribute_item) @attribute
(line_comment) @comment
(block_comment) @comment
