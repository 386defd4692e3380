;; visibility: unmarked private internal protected
(package_header (qualified_identifier) @package)
(class_declaration name: (identifier) @name) @symbol.class
(object_declaration name: (identifier) @name) @symbol.object
(function_declaration name: (identifier) @name) @symbol.function
(type_alias type: (identifier) @name) @symbol.type
(source_file (property_declaration (variable_declaration (identifier) @name)) @symbol.property)
(class_body (property_declaration (variable_declaration (identifier) @name)) @symbol.property)
(import (qualified_identifier)) @import
(line_comment) @comment
(block_comment) @comment
