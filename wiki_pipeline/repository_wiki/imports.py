"""Where an import leads within the repository, by each language's rules as far as files show them.

Syntax alone: build systems that map names in other ways (path aliases, generated code) are not asked, so an import that
leads there counts as one from outside.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from wiki_pipeline.repository_wiki.facts import FileFacts, Import

_SCRIPTS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte")
_ROOTS = {"src", "lib", "python", "source", "app"}
Found = Iterator[tuple[str, tuple[str, ...]]]


class Resolver:
    """Knows the files of a repository, by what their languages call them."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self._files = files
        self._folders = {posixpath.dirname(path) for path in files}
        self._python: dict[str, str] = {}
        self._named: dict[str, str] = {}  # Java, Kotlin, PHP, C#: namespace and stem
        self._namespaces: dict[str, str] = {}
        self._endings: dict[str, list[str]] = defaultdict(list)  # C and Ruby: by the last part of the path
        self._packages: dict[str, str] = {}  # npm and cargo packages, Go modules: folder
        for path, facts in files.items():
            self._learn(path, facts)

    def _learn(self, path: str, facts: FileFacts) -> None:
        folder, name = posixpath.split(path)
        stem = name.partition(".")[0]
        if facts.language in {"python", "cython"}:
            parts = [*folder.split("/"), *([] if stem == "__init__" else [stem])] if folder else [stem]
            for start in range(len(parts)):
                if start == 0 or self._is_root(parts[:start]):
                    self._python.setdefault(".".join(parts[start:]), path)
        elif facts.namespace and facts.language in {"java", "kotlin", "csharp", "php", "scala"}:
            namespace = facts.namespace.replace("\\", ".")
            self._named.setdefault(f"{namespace}.{stem}", path)
            self._namespaces.setdefault(namespace, f"{folder}/" if folder else "")
        elif facts.language in {"c", "cpp", "cuda", "objective-c", "ruby"}:
            self._endings[name].append(path)
        if name in {"package.json", "Cargo.toml", "go.mod"}:
            about = next((f.name and f.detail for f in facts.findings if f.kind == "about" and f.name == "name"), "")
            if about:
                self._packages.setdefault(about.replace("-", "_") if name == "Cargo.toml" else about, folder)

    def _is_root(self, above: list[str]) -> bool:
        """Whether names begin below these folders: none of them is a package itself."""
        folder = "/".join(above)
        if f"{folder}/__init__.py" in self._files:
            return False
        return above[-1] in _ROOTS or len(above) == 1 or f"{folder}/pyproject.toml" in self._files

    def targets(self, path: str, each: Import) -> Found:
        """The files, or folders with a slash, that an import of a file leads to, with the names that it takes."""
        language = self._files[path].language
        if language == "python":
            yield from self._of_python(path, each)
        elif language in {"javascript", "typescript", "tsx", "vue", "svelte"}:
            yield from self._of_script(path, each)
        elif language == "go":
            yield from self._of_go(each)
        elif language == "rust":
            yield from self._of_rust(path, each)
        elif language in {"java", "kotlin", "csharp", "php", "scala"}:
            yield from self._of_namespace(each)
        elif language in {"c", "cpp", "cuda", "objective-c"}:
            yield from self._by_ending(path, each.target)
        elif language == "ruby":
            yield from self._of_ruby(path, each)

    def _of_python(self, path: str, each: Import) -> Found:
        dots = len(each.target) - len(each.target.lstrip("."))
        name = each.target.lstrip(".")
        if dots:
            folder = posixpath.dirname(path)
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            base = "/".join(filter(None, (folder, name.replace(".", "/"))))
            own = next((p for p in (f"{base}.py", f"{base}/__init__.py", f"{base}.pyi") if p in self._files), "")
            below = {
                n: p for n in each.names for p in (f"{base}/{n}.py", f"{base}/{n}/__init__.py") if p in self._files
            }
        else:
            own = self._python.get(name, "")
            below = {n: found for n in each.names if (found := self._python.get(f"{name}.{n}"))}
            if not own and not each.names and "." in name:
                own = self._python.get(name.rpartition(".")[0], "")
        for found in below.values():
            yield found, ()
        rest = tuple(n for n in each.names if n not in below)
        if own and (rest or not each.names):
            yield own, rest

    def _of_script(self, path: str, each: Import) -> Found:
        if each.target.startswith("."):
            base = posixpath.normpath(posixpath.join(posixpath.dirname(path), each.target))
        else:
            parts = each.target.split("/")
            count = 2 if each.target.startswith("@") else 1
            folder = self._packages.get("/".join(parts[:count]))
            if folder is None:
                return
            rest = "/".join(parts[count:])
            bases = [posixpath.join(folder, *filter(None, (inner, rest or "index"))) for inner in ("", "src", "lib")]
            base = next((b for b in bases if any(b + end in self._files for end in ("", *_SCRIPTS))), bases[0])
        candidates = [base, *(base + end for end in _SCRIPTS), *(f"{base}/index{end}" for end in _SCRIPTS)]
        if base.endswith((".js", ".mjs", ".cjs")):  # as TypeScript's own modules are imported
            candidates += [base.rpartition(".")[0] + end for end in (".ts", ".tsx")]
        if found := next((c for c in candidates if c in self._files), ""):
            yield found, ()

    def _of_go(self, each: Import) -> Found:
        for module, folder in self._packages.items():
            if each.target == module or each.target.startswith(f"{module}/"):
                inner = posixpath.join(folder, each.target[len(module) + 1 :]) if each.target != module else folder
                if inner in self._folders and inner:
                    yield f"{inner}/", ()

    def _of_rust(self, path: str, each: Import) -> Found:
        folder, name = posixpath.split(path)
        own = folder if name in {"mod.rs", "lib.rs", "main.rs"} else posixpath.join(folder, name.removesuffix(".rs"))
        if each.target.startswith("mod "):
            module = each.target.removeprefix("mod ")
            if found := self._rust_file(own, [module]):
                yield found, ()
            return
        crate = self._crate(path)
        for names in _rust_paths(each.target):
            first, rest = names[0], names[1:]
            if first in {"crate", "self", "super"} and rest:
                base = {"crate": crate, "self": own, "super": posixpath.dirname(own)}[first]
            elif first in self._packages:
                base = posixpath.join(self._packages[first], "src")
                if not rest or self._rust_file(base, rest[:1]) == "":
                    root = f"{base}/lib.rs"
                    if root in self._files:
                        yield root, tuple(rest[-1:])
                    continue
            else:
                continue
            if found := self._rust_file(base, rest):
                stem = posixpath.basename(
                    posixpath.dirname(found) if found.endswith("/mod.rs") else found
                ).removesuffix(".rs")
                yield found, () if rest[-1] == stem else (rest[-1],)

    def _crate(self, path: str) -> str:
        folder = posixpath.dirname(path)
        while folder:
            if any(f"{folder}/{root}" in self._files for root in ("lib.rs", "main.rs")):
                return folder
            folder = posixpath.dirname(folder)
        return ""

    def _rust_file(self, base: str, names: list[str]) -> str:
        """The deepest module of a path of names."""
        for count in range(len(names), 0, -1):
            stem = posixpath.join(base, *names[:count])
            for candidate in (f"{stem}.rs", f"{stem}/mod.rs"):
                if candidate in self._files:
                    return candidate
        return ""

    def _of_namespace(self, each: Import) -> Found:
        name = each.target.replace("\\", ".").strip(".").split(" ")[0]
        if name.endswith(".*") or name in self._namespaces:
            if folder := self._namespaces.get(name.removesuffix(".*")):
                yield folder, ()
            return
        found = self._named.get(name) or self._named.get(name.rpartition(".")[0])
        if found:
            yield found, (name.rpartition(".")[2],)

    def _by_ending(self, path: str, target: str) -> Found:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if beside in self._files:
            yield beside, ()
            return
        found = [p for p in self._endings.get(posixpath.basename(target), ()) if f"/{p}".endswith(f"/{target}")]
        if found:
            yield min(found, key=len), ()

    def _of_ruby(self, path: str, each: Import) -> Found:
        target = each.target if each.target.endswith(".rb") else f"{each.target}.rb"
        yield from self._by_ending(path, target)


_RUST_TOKEN = re.compile(r"[\w]+|::|[{},*]")


def _rust_paths(text: str) -> Iterator[list[str]]:
    """The paths of a `use`: `crate::a::{b, c::d}` gives two."""
    prefixes: list[list[str]] = [[]]
    current: list[str] = []
    aliased = False
    for word in _RUST_TOKEN.findall(text)[:500]:
        if word == "{":
            prefixes.append([*prefixes[-1], *current])
            current = []
        elif word in {",", "}"}:
            if current:
                yield [*prefixes[-1], *current]
            current, aliased = [], False
            if word == "}" and len(prefixes) > 1:
                prefixes.pop()
        elif word == "as":
            aliased = True
        elif word not in {"::", "*", "pub", "use"} and not aliased:
            current.append(word)
    if current:
        yield [*prefixes[-1], *current]
