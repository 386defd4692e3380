;; visibility: capital
(package_clause (package_identifier) @package)
(function_declaration name: (identifier) @name) @symbol.function
(method_declaration receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @receiver
    (pointer_type (type_identifier) @receiver)
    (generic_type type: (type_identifier) @receiver)
    (pointer_type (generic_type type: (type_identifier) @receiver))]))
  name: (field_identifier) @name) @symbol.method
(type_spec name: (type_identifier) @name type: (struct_type)) @symbol.struct
(type_spec name: (type_identifier) @name type: (interface_type)) @symbol.interface
(type_spec name: (type_identifier) @name type: [
    (type_identifier) (qualified_type) (pointer_type) (function_type) (map_type) (slice_type) (array_type)
    (channel_type) (generic_type)]) @symbol.type
(type_alias name: (type_identifier) @name) @symbol.type
(source_file (const_declaration (const_spec name: (identifier) @name) @symbol.constant))
(source_file (var_declaration (var_spec name: (identifier) @name) @symbol.variable))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @symbol.variable)))
(type_declaration) @frame
(const_declaration) @frame
(var_declaration) @frame
(import_spec path: (interpreted_string_literal) @import)
(comment) @comment
