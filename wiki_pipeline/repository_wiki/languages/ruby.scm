;; visibility: sections
(module name: (_) @name) @symbol.module
(class name: (_) @name) @symbol.class
(method name: (_) @name) @symbol.method
(singleton_method name: (_) @name) @symbol.method
((identifier) @section (#any-of? @section "private" "protected" "public"))
(call method: (identifier) @_require arguments: (argument_list . (string (string_content) @import))
  (#any-of? @_require "require" "require_relative" "load"))
(comment) @comment
