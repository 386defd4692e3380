"""What a node of a syntax tree defines: the name of its class, function, method, type, resource.

Grammars name their nodes and fields alike enough that one set of rules serves them all.
"""

from __future__ import annotations

import re

from tree_sitter import Node

_DEFINES = re.compile(
    r"class|struct|interface|enum|trait|impl_item|function|method|constructor|destructor|\bmodule\b|internal_module"
    r"|namespace|object_def|object_decl|type_(?:alias|spec|declaration|definition|item)|create_|macro_|protocol"
    r"|extension|record|union|mod_item|init_declaration|property_declaration|preproc_function"
    r"|^(?:message|service|rpc|oneof|extend)$|(?:directive|fragment|operation|field)_definition"
)
_DEFINES_NOT = re.compile(
    r"call|expression$|parameter|import|body|argument|_type$|reference|invocation|literal|specifiers"
)
# Nodes around a definition: decorators, `export`, a template's or a statement's frame.
_FRAMES = {
    "ambient_declaration",
    "decorated_definition",
    "export_statement",
    "expression_statement",
    "statement",
    "template_declaration",
    "type_declaration",
}
_VARIABLES = {"lexical_declaration", "variable_declaration"}
# A name that is a node of its own: `message_name`, `full_ident`.
_NAME = re.compile(r"^(?:\w+_)?name$|^identifier$|^full_ident$")
_BESIDE = re.compile(r"comment|decorator|attribute_item|attribute_list|annotation|modifiers")


def belongs_to_next(node: Node) -> bool:
    """Whether a node describes what stands below it: a comment, a decorator, an attribute."""
    return _BESIDE.search(node.type) is not None


def symbol_of(node: Node) -> str:
    """The name of what a node defines, with its receiver or labels; empty if it defines nothing with a name."""
    node = _framed(node)
    if node.type == "block" and node.parent is not None and node.parent.type == "body":
        return _labels(node)
    if node.type in _VARIABLES:
        return _variable(node)
    if not _DEFINES.search(node.type) or _DEFINES_NOT.search(node.type):
        return ""
    name = node.child_by_field_name("name")
    if name is not None:
        return _with_receiver(node, _text(name))
    return _declared(node)


def _framed(node: Node) -> Node:
    for _ in range(6):
        if node.type not in _FRAMES:
            if node.child_count != 1:
                break
            node = node.children[0]  # what is nothing but another node is that one
            continue
        inner = node.child_by_field_name("definition") or node.child_by_field_name("declaration")
        inner = inner or next((child for child in reversed(node.named_children) if not belongs_to_next(child)), None)
        if inner is None:
            break
        node = inner
    return node


def _variable(node: Node) -> str:
    """The name of a constant that holds a function or a class."""
    for child in node.named_children:
        value, name = child.child_by_field_name("value"), child.child_by_field_name("name")
        if name is not None and value is not None and re.search(r"function|class", value.type):
            return _text(name)
    return ""


def _with_receiver(node: Node, name: str) -> str:
    """A Go method with the type that it belongs to."""
    receiver = node.child_by_field_name("receiver")
    if receiver is None:
        return name
    words = re.findall(r"\w+", re.sub(r"\[.*", "", _text(receiver)))
    return f"{words[-1]}.{name}" if words else name


def _declared(node: Node) -> str:
    """The name of what has no field for it: a Rust `impl`, a table, what Protobuf and GraphQL define, the end of a C
    declarator (`int *name(int x)`)."""
    if node.type == "impl_item":
        kind, trait = node.child_by_field_name("type"), node.child_by_field_name("trait")
        return f"{_text(trait)} for {_text(kind)}" if trait is not None else _text(kind)
    if node.type.startswith("create_"):
        return _text(next((child for child in node.named_children if child.type == "object_reference"), None))
    declarator = node.child_by_field_name("declarator")
    if declarator is None:
        return _text(next((child for child in node.named_children if _NAME.search(child.type)), None))
    for _ in range(16):
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            return _text(declarator)
        declarator = inner
    return ""


def _labels(node: Node) -> str:
    """A Terraform block's type and labels: `resource aws_s3_bucket logs`."""
    words = [_text(child).strip('"') for child in node.named_children if child.type in {"identifier", "string_lit"}]
    return " ".join(words)


def _text(node: Node | None) -> str:
    text = node.text if node is not None else None
    return " ".join(text.decode("utf-8", "replace").split())[:200] if text else ""
