;; visibility: unmarked static
(namespace_definition name: (_) @name) @scope.module
(function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier) (qualified_identifier) (destructor_name) (operator_name)] @name)) @symbol.function
(function_definition declarator: (pointer_declarator (function_declarator declarator: [(identifier) (field_identifier) (qualified_identifier)] @name))) @symbol.function
(function_definition declarator: (reference_declarator (function_declarator declarator: [(identifier) (field_identifier) (qualified_identifier)] @name))) @symbol.function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @symbol.prototype
(declaration declarator: (pointer_declarator (function_declarator declarator: (identifier) @name))) @symbol.prototype
(field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @symbol.prototype
(field_declaration declarator: (pointer_declarator (function_declarator declarator: (field_identifier) @name))) @symbol.prototype
(field_declaration declarator: (reference_declarator (function_declarator declarator: (field_identifier) @name))) @symbol.prototype
(class_specifier name: (type_identifier) @name body: (_)) @symbol.class
(struct_specifier name: (type_identifier) @name body: (_)) @symbol.struct
(union_specifier name: (type_identifier) @name body: (_)) @symbol.union
(enum_specifier name: (type_identifier) @name body: (_)) @symbol.enum
(concept_definition name: (identifier) @name) @symbol.concept
(alias_declaration name: (type_identifier) @name) @symbol.type
(type_definition declarator: (type_identifier) @name) @symbol.type
(preproc_function_def name: (identifier) @name) @symbol.macro
(field_declaration_list (access_specifier) @section)
(template_declaration) @frame
(preproc_include path: (_) @import)
(comment) @comment
