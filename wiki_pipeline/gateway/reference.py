"""`/docs`: the HTTP interface as a page, made from the OpenAPI document alone, so the two can't differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.markup import to_html
from wiki_pipeline.wiki.views import Answer, ApiView, Body, Operation, Parameter

_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 8
_EXAMPLES = {"date-time": "2026-11-05T09:30:00Z", "integer": 0, "number": 0.0, "boolean": False}
Schema = Mapping[str, Any]


def view_of(document: Schema) -> ApiView:
    """The page for an OpenAPI 3.1 document."""
    groups: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                for tag in operations[method].get("tags", ["other"]):
                    groups.setdefault(tag, []).append(_operation(document, path, method, operations[method]))
    about = document["info"]
    return ApiView(
        title=about["title"], version=about["version"], description=_prose(about.get("description", "")), groups=groups
    )


def _operation(document: Schema, path: str, method: str, facts: Schema) -> Operation:
    parameters = facts.get("parameters", [])
    return Operation(
        anchor=facts["operationId"],
        method=method.upper(),
        path=path,
        summary=facts.get("summary", path),
        description=_prose(facts.get("description", "")),
        try_it=_address(path, parameters) if method == "get" else "",
        parameters=[_parameter(document, item) for item in parameters],
        body=_body(document, facts.get("requestBody", {})),
        answers=[_answer(document, status, item) for status, item in sorted(facts["responses"].items())],
    )


def _parameter(document: Schema, facts: Schema) -> Parameter:
    schema = facts["schema"]
    default = schema.get("default")
    description = facts.get("description", "")
    if default is not None and default != "":
        description = f"{description} Default: `{default}`."
    return Parameter(
        name=facts["name"],
        place=facts["in"],
        type=_type(document, schema),
        required=facts.get("required", False),
        description=_prose(description),
    )


def _type(document: Schema, schema: Schema) -> str:
    """A type in words: `integer, 1 to 100`, `"hybrid", "vector" or "text"`, `list of string`."""
    schema = _resolved(document, schema)
    choices = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    if choices:
        return " or ".join(_type(document, part) for part in choices)
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(document, schema['items'])}"
    name = schema.get("format") or schema.get("type", "any")
    if "maximum" in schema:
        return f"{name}, {schema.get('minimum', '…')} to {schema['maximum']}"
    return f"{name}, at most {schema['maxLength']} characters" if "maxLength" in schema else str(name)


def _address(path: str, parameters: list[Schema]) -> str:
    """An address to open, where every parameter that is required has an example."""
    query = {}
    for parameter in parameters:
        examples = parameter["schema"].get("examples") or parameter.get("examples") or ()
        if not examples:
            if parameter.get("required"):
                return ""
            continue
        example = examples[0]
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example))
        else:
            query[parameter["name"]] = example
    return f"{path}?{urlencode(query)}" if query else path


def _body(document: Schema, facts: Schema) -> Body | None:
    """What is sent along, with its parts."""
    schema = facts.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    found = _resolved(document, schema)
    required = found.get("required", ())
    parts = [
        _parameter(document, {**part, "name": name, "in": "body", "schema": part, "required": name in required})
        for name, part in found.get("properties", {}).items()
    ]
    return Body(example=_shown(document, schema), parts=parts)


def _answer(document: Schema, status: str, facts: Schema) -> Answer:
    schema = facts.get("content", {}).get("application/json", {}).get("schema")
    example = _shown(document, schema) if schema else ""
    return Answer(status=status, description=_prose(facts.get("description", "")), example=example)


def _shown(document: Schema, schema: Schema) -> str:
    """An example of a schema, as coloured HTML."""
    shown = json.dumps(_example(document, schema, 0), indent=2, ensure_ascii=False)
    return highlight(to_html(f"```json\n{shown}\n```") or "")


def _example(document: Schema, schema: Schema, depth: int) -> Any:
    """A value of a schema: its own example, or one made of its parts."""
    schema = _resolved(document, schema)
    given = [*schema.get("examples", ()), *schema.get("enum", ())]
    if given and isinstance(given[0], dict):  # the document has its keys in alphabetical order
        return {name: given[0][name] for name in schema.get("properties", given[0]) if name in given[0]}
    if given or depth > _DEEPEST:
        return given[0] if given else None
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0], depth + 1)
    if schema.get("type") == "object":
        return {name: _example(document, part, depth + 1) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example(document, schema["items"], depth + 1)]
    return _EXAMPLES.get(schema.get("format") or schema.get("type", ""), "")


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def _prose(text: str) -> str:
    """A description as HTML of one paragraph."""
    return (to_html(re.sub(r"\s+", " ", text)) or "").removeprefix("<p>").removesuffix("</p>\n")
