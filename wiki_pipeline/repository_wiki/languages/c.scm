;; visibility: unmarked static
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @symbol.function
(function_definition declarator: (pointer_declarator (function_declarator declarator: (identifier) @name))) @symbol.function
(function_definition declarator: (pointer_declarator (pointer_declarator (function_declarator declarator: (identifier) @name)))) @symbol.function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @symbol.prototype
(declaration declarator: (pointer_declarator (function_declarator declarator: (identifier) @name))) @symbol.prototype
(struct_specifier name: (type_identifier) @name body: (_)) @symbol.struct
(union_specifier name: (type_identifier) @name body: (_)) @symbol.union
(enum_specifier name: (type_identifier) @name body: (_)) @symbol.enum
(type_definition declarator: (type_identifier) @name) @symbol.type
(preproc_function_def name: (identifier) @name) @symbol.macro
(preproc_include path: (_) @import)
(comment) @comment
