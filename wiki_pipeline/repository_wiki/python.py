"""Python files: symbols through griffe, everything else from the same kind of tree that it reads, `ast`.

Static only: nothing is imported, no decorator runs. A file that Python's parser refuses is left to `syntax`.
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import griffe

from wiki_pipeline.repository_wiki.facts import Finding, Import, Symbol

_SIGNATURE = 300
_DOC = 4_000
_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "websocket"}
_ROUTERS = re.compile(r"app|api|router|routes?|bp|blueprint|server|application", re.IGNORECASE)
_MODELS = re.compile(r"^(?:BaseModel|BaseSettings|SQLModel|TypedDict|NamedTuple|DeclarativeBase|Schema|Base|Message)$")
_DAGSTER = {"asset", "multi_asset", "op", "job", "graph", "sensor", "schedule", "asset_check", "graph_asset"}
_AIRFLOW = {"dag": "DAG", "task": "task"}
_MOST_FIELDS = 40

logging.getLogger("griffe").setLevel(logging.CRITICAL)  # what it can't read of a stranger's file is no news


class PythonRefusedError(ValueError):
    """Python's own parser does not read the file."""


class PythonFile:
    """One file, parsed.

    Raises:
        PythonRefusedError: no Python 3, or nested deeper than can be read.
    """

    def __init__(self, path: str, text: str) -> None:
        try:
            self._tree = ast.parse(text)
            # The path only names it: griffe, too, reads nothing but the code that it is given.
            self._module = griffe.visit(PurePosixPath(path).stem or "module", filepath=Path(path), code=text)
            self._lines = text.split("\n")
            self.purpose = ast.get_docstring(self._tree) or ""
            self.symbols = tuple(self._symbols(self._module, ""))
            self.imports = tuple(_imports(self._tree))
            self.findings = tuple(_Findings(self._tree).found)
        except (SyntaxError, ValueError, RecursionError, MemoryError, AttributeError, TypeError) as error:
            raise PythonRefusedError(str(error)[:200]) from None

    def _symbols(self, around: griffe.Module | griffe.Class, prefix: str) -> Iterator[Symbol]:
        members = [member for member in around.members.values() if isinstance(member, griffe.Object)]
        for member in sorted(members, key=lambda each: each.lineno or 0):
            if member.lineno is None or not isinstance(member, griffe.Function | griffe.Class | griffe.Attribute):
                continue
            line = self._named_at(member)
            if not line:
                continue
            yield Symbol(
                name=prefix + member.name,
                kind=_kind(member, inside=bool(prefix)),
                signature=_signature(member),
                doc=(member.docstring.value if member.docstring else "")[:_DOC],
                line=line,
                end_line=max(line, member.endlineno or line),
                public=_is_public(member) and (not prefix or _is_public(around)),
            )
            if isinstance(member, griffe.Class):
                yield from self._symbols(member, f"{prefix}{member.name}.")

    def _named_at(self, member: griffe.Object) -> int:
        """The line with the name: below the decorators, where there are any."""
        first, last = member.lineno or 0, min(member.endlineno or 0, (member.lineno or 0) + 200)
        name = re.compile(rf"\b{re.escape(member.name)}\b")
        defined = re.compile(rf"^\s*(?:async\s+def|def|class)\s+{re.escape(member.name)}\b")
        for pattern in (defined, name):
            for row in range(first, last + 1):
                if row <= len(self._lines) and pattern.search(self._lines[row - 1]):
                    return row
        return 0


def _is_public(member: griffe.Object) -> bool:
    return not member.name.startswith("_") or (member.name.startswith("__") and member.name.endswith("__"))


def _kind(member: griffe.Object, *, inside: bool) -> str:
    if isinstance(member, griffe.Class):
        return "class"
    if isinstance(member, griffe.Function):
        return "method" if inside else "function"
    if "property" in member.labels:
        return "property"
    return "attribute" if inside else "constant" if member.name.isupper() else "variable"


def _signature(member: griffe.Function | griffe.Class | griffe.Attribute) -> str:
    if isinstance(member, griffe.Class):
        bases = ", ".join(map(str, member.bases))
        text = f"class {member.name}({bases})" if bases else f"class {member.name}"
    elif isinstance(member, griffe.Function):
        text = f"{'async ' if 'async' in member.labels else ''}def {member.signature()}"
    else:
        annotation = f": {member.annotation}" if member.annotation is not None else ""
        shown = member.value is not None and "property" not in member.labels
        text = f"{member.name}{annotation}" + (f" = {member.value}" if shown else "")
    text = " ".join(text.split())
    return text if len(text) <= _SIGNATURE else f"{text[: _SIGNATURE - 1]}…"


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node.lineno)
        elif isinstance(node, ast.ImportFrom):
            yield Import("." * node.level + (node.module or ""), tuple(alias.name for alias in node.names), node.lineno)


class _Findings(ast.NodeVisitor):
    """Routes, command lines, settings, data models, pipelines and entry points."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[Finding] = []
        self._click: list[str] = []
        self.visit(tree)
        self.found.sort(key=lambda each: each.line)

    def _add(self, kind: str, name: str, detail: str, node: ast.AST, group: str = "") -> None:
        if name:
            self.found.append(Finding(kind, name[:200], _short(detail), getattr(node, "lineno", 1), group))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self._decorated(node, decorator)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef, decorator: ast.expr) -> None:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = _dotted(call.func if call else decorator)
        owner, _, verb = name.rpartition(".")
        first = _string(call.args[0]) if call and call.args else ""
        doc = (ast.get_docstring(node) or "").partition("\n")[0]
        if (
            owner
            and call
            and verb in _VERBS
            and (first.startswith("/") or (not first and _ROUTERS.search(owner) and call.args))
        ):
            self._add("route", f"{verb.upper()} {first or '/'}", node.name, decorator, "FastAPI")
        elif owner and call and verb in {"route", "api_route"} and first.startswith("/"):
            methods = _strings(_keyword(call, "methods")) or ["GET"]
            for method in methods:
                self._add("route", f"{method} {first}", node.name, decorator, "Flask")
        elif (
            (verb == "command" and owner.split(".")[0] in {"click", "app", "cli", "typer"})
            or (verb in {"command", "group"} and call is not None and not call.args and owner)
        ) or (verb in {"command", "group"} and owner):
            self._add("command", first or _command_name(node.name), doc, node, "click")
        elif verb in {"option", "argument"} and owner and call:
            named = " ".join(_string(arg) for arg in call.args if _string(arg).startswith("-")) or first
            self._add("option", named, _string(_keyword(call, "help")), decorator, "click")
        elif verb in _DAGSTER and (owner in {"dg", "dagster", ""} or "dagster" in owner):
            if owner or verb not in {"op", "job", "graph"}:
                self._add("pipeline", node.name, doc, node, f"Dagster {verb}")
        elif name in _AIRFLOW or (owner == "airflow.decorators" and verb in _AIRFLOW):
            self._add("pipeline", node.name, doc, node, f"Airflow {_AIRFLOW[verb]}")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = [_dotted(base).rpartition(".")[2] for base in node.bases]
        decorated = {_dotted(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] for d in node.decorator_list}
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
        kind = "dataclass" if decorated & {"dataclass", "define", "attrs"} else ""
        kind = kind or next((base for base in bases if _MODELS.match(base)), "")
        if not kind and any(base == "Model" for base in bases):
            kind = "Django model"
        if kind == "BaseSettings" or any(base.endswith("Settings") or base == "SettingsGroup" for base in bases):
            self._settings(node, fields)
        if (kind and kind not in {"Base", "Message", "Schema"}) or (kind and (fields or _columns(node))):
            names = [each.target.id for each in fields if isinstance(each.target, ast.Name)] or _columns(node)
            self._add("schema", node.name, ", ".join(names[:_MOST_FIELDS]), node, kind)
        self.generic_visit(node)

    def _settings(self, node: ast.ClassDef, fields: list[ast.AnnAssign]) -> None:
        prefix = ""
        for each in ast.walk(node):
            if isinstance(each, ast.keyword) and each.arg == "env_prefix":
                prefix = _string(each.value)
        for each in fields:
            if isinstance(each.target, ast.Name) and not each.target.id.startswith(("_", "model_config")):
                value = each.value
                if isinstance(value, ast.Call):
                    alias = _string(_keyword(value, "validation_alias")) or _string(_keyword(value, "alias"))
                    default = _keyword(value, "default") or (value.args[0] if value.args else None)
                else:
                    alias, default = "", value
                self._add(
                    "setting", alias or (prefix + each.target.id).upper(), _source(default), each, "settings class"
                )

    def visit_Call(self, node: ast.Call) -> None:
        name = _dotted(node.func)
        first = _string(node.args[0]) if node.args else ""
        if (
            name in {"os.getenv", "getenv", "os.environ.get", "environ.get", "os.environ.setdefault", "os.environ.pop"}
            and first
        ):
            self._add("setting", first, _source(node.args[1] if len(node.args) > 1 else None), node, "environment")
        elif name.endswith(".add_argument") and first:
            named = " ".join(filter(None, map(_string, node.args)))
            default = _source(_keyword(node, "default"))
            told = _string(_keyword(node, "help"))
            self._add("option", named, told + (f" (default {default})" if default else ""), node, "argparse")
        elif name.endswith(".add_parser") and first:
            self._add("command", first, _string(_keyword(node, "help")), node, "argparse")
        elif name in {"path", "re_path", "url"} and len(node.args) > 1 and isinstance(node.args[0], ast.Constant):
            if isinstance(node.args[0].value, str):
                self._add("route", f"ANY /{first.lstrip('/^')}", _source(node.args[1]), node, "Django")
        elif name in {"DAG", "airflow.DAG", "models.DAG"}:
            dag = first or _string(_keyword(node, "dag_id"))
            self._add("pipeline", dag, _source(_keyword(node, "schedule")), node, "Airflow DAG")
        elif name in {"typer.Option", "Option"} and any(_string(arg).startswith("-") for arg in node.args):
            named = " ".join(_string(arg) for arg in node.args if _string(arg).startswith("-"))
            self._add("option", named, _string(_keyword(node, "help")), node, "typer")
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if _dotted(node.value) in {"os.environ", "environ"} and (name := _string(node.slice)):
            self._add(
                "setting", name, "required" if isinstance(node.ctx, ast.Load) else "set here", node, "environment"
            )
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__":
            self._add("entry", "__main__", "runs as a script", node, "python")
        self.generic_visit(node)


def _columns(node: ast.ClassDef) -> list[str]:
    """Fields that are assigned, as Django's and SQLAlchemy's are."""
    return [
        each.targets[0].id
        for each in node.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call) and isinstance(each.targets[0], ast.Name)
    ]


def _command_name(function: str) -> str:
    return function.replace("_", "-").removesuffix("-command").removesuffix("-cmd")


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _string(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_string(part) or "{}" for part in node.values)
    return ""


def _strings(node: ast.expr | None) -> list[str]:
    return [_string(each) for each in node.elts] if isinstance(node, ast.List | ast.Tuple | ast.Set) else []


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def _source(node: ast.expr | None) -> str:
    return "" if node is None else _short(ast.unparse(node))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 240 else f"{text[:239]}…"
