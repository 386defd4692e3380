"""The language of a source file, by its name: tree-sitter's and Pygments' common names."""

from __future__ import annotations

from pathlib import PurePosixPath

_BY_SUFFIX = {
    "python": "py pyi pyw", "javascript": "js mjs cjs jsx", "typescript": "ts mts cts", "tsx": "tsx", "go": "go", "rust": "rs",
    "java": "java", "kotlin": "kt kts", "c": "c h", "cpp": "cc cpp cxx hh hpp hxx c++ h++ ipp tpp", "csharp": "cs csx",
    "ruby": "rb rake gemspec", "php": "php php3 phtml", "scala": "scala sc sbt", "swift": "swift", "bash": "sh bash zsh ksh",
    "sql": "sql ddl dml", "terraform": "tf tfvars hcl", "protobuf": "proto", "graphql": "graphql gql",
    "json": "json json5 jsonc geojson webmanifest", "yaml": "yaml yml", "toml": "toml", "ini": "ini cfg conf properties editorconfig",
    "xml": "xml xsd xsl xslt svg wsdl", "css": "css", "scss": "scss sass", "less": "less", "makefile": "mk mak", "cmake": "cmake", "docker": "dockerfile",
    "lua": "lua", "perl": "pl pm", "r": "r", "julia": "jl", "dart": "dart", "elixir": "ex exs", "erlang": "erl hrl", "haskell": "hs",
    "clojure": "clj cljs cljc edn", "groovy": "groovy gradle", "powershell": "ps1 psm1", "vue": "vue", "svelte": "svelte",
    "nix": "nix", "zig": "zig", "objective-c": "m mm", "fsharp": "fs fsx", "ocaml": "ml mli", "fortran": "f f90 f95", "batch": "bat cmd",
    "jinja": "j2 jinja jinja2", "starlark": "bzl star", "vim": "vim", "lisp": "el lisp", "d": "d", "nim": "nim", "solidity": "sol",
}  # fmt: skip
_LANGUAGES = {suffix: language for language, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
_BY_NAME = {
    "dockerfile": "docker", "containerfile": "docker", "makefile": "makefile", "gnumakefile": "makefile", "cmakelists.txt": "cmake",
    "jenkinsfile": "groovy", "vagrantfile": "ruby", "rakefile": "ruby", "gemfile": "ruby", "build": "starlark", "workspace": "starlark",
    "pipfile": "toml", "procfile": "yaml", ".bashrc": "bash", ".profile": "bash", ".gitignore": "ini", ".gitattributes": "ini",
    ".dockerignore": "ini", ".editorconfig": "ini", "go.mod": "go-module", "poetry.lock": "toml", "cargo.lock": "toml",
}  # fmt: skip
_BY_MEDIA_TYPE = {
    "text/x-python": "python", "application/javascript": "javascript", "text/javascript": "javascript", "application/json": "json",
    "application/yaml": "yaml", "text/yaml": "yaml", "application/x-yaml": "yaml", "application/toml": "toml", "text/css": "css",
    "text/x-sh": "bash", "application/x-sh": "bash", "text/x-java": "java", "text/x-c": "c", "text/x-go": "go", "text/x-rust": "rust",
    "application/sql": "sql", "application/xml": "xml", "text/xml": "xml", "text/x-ruby": "ruby", "application/typescript": "typescript",
}  # fmt: skip


def language_of(path: str, media_type: str = "") -> str:
    """The language of a file, empty if it is none that is known."""
    name = PurePosixPath(path).name.lower()
    by_name = _BY_NAME.get(name) or ("docker" if name.startswith(("dockerfile.", "containerfile.")) else "")
    return (
        by_name or _LANGUAGES.get(name.rpartition(".")[2] if "." in name else "") or _BY_MEDIA_TYPE.get(media_type, "")
    )
