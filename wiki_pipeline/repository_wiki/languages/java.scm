;; visibility: marked public protected
(package_declaration (_) @package)
(class_declaration name: (identifier) @name) @symbol.class
(interface_declaration name: (identifier) @name) @symbol.interface
(enum_declaration name: (identifier) @name) @symbol.enum
(record_declaration name: (identifier) @name) @symbol.record
(annotation_type_declaration name: (identifier) @name) @symbol.annotation
(method_declaration name: (identifier) @name) @symbol.method
(constructor_declaration name: (identifier) @name) @symbol.constructor
(import_declaration) @import
(line_comment) @comment
(block_comment) @comment
