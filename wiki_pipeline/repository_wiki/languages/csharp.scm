;; visibility: marked public protected
(namespace_declaration name: (_) @package) @scope.package
(file_scoped_namespace_declaration name: (_) @package)
(class_declaration name: (identifier) @name) @symbol.class
(interface_declaration name: (identifier) @name) @symbol.interface
(struct_declaration name: (identifier) @name) @symbol.struct
(record_declaration name: (identifier) @name) @symbol.record
(enum_declaration name: (identifier) @name) @symbol.enum
(delegate_declaration name: (identifier) @name) @symbol.delegate
(method_declaration name: (identifier) @name) @symbol.method
(constructor_declaration name: (identifier) @name) @symbol.constructor
(property_declaration name: (identifier) @name) @symbol.property
(using_directive) @import
(comment) @comment
