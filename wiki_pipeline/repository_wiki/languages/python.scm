;; Where Python's own parser gives up; else griffe reads these files.
;; visibility: name
(class_definition name: (identifier) @name) @symbol.class
(function_definition name: (identifier) @name) @symbol.function
(decorated_definition) @frame
(import_statement name: (dotted_name) @import)
(import_from_statement module_name: (_) @import)
(comment) @comment
