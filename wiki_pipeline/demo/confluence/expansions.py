"""The `expand` parameter of v1: which expansions exist, and the tree that a request asks for."""

from __future__ import annotations

from wiki_pipeline.demo.web import Check

# Expansions below expansions: {"history": {"lastUpdated": {}}, "version": {}}.
Tree = dict[str, "Tree"]

BODIES = ("storage", "view", "export_view", "styled_view", "anonymous_export_view", "editor")
CLOUD_BODIES = (*BODIES, "atlas_doc_format", "dynamic", "editor2")


def _leaves(*names: str) -> Tree:
    return {name: {} for name in names}


_LABELLED: Tree = {"labels": {}}
SPACE: Tree = {
    **_leaves("settings", "operations", "lookAndFeel", "permissions", "icon", "theme", "history", "identifiers"),
    "retentionPolicy": {},
    "metadata": _LABELLED,
    "description": _leaves("plain", "view"),
}
RESTRICTION: Tree = {"restrictions": _leaves("user", "group"), "content": {}}
RESTRICTIONS: Tree = {"read": RESTRICTION, "update": RESTRICTION}
HISTORY: Tree = {
    **_leaves("lastUpdated", "previousVersion", "nextVersion", "ownedBy", "lastOwnedBy"),
    "contributors": {"publishers": {"users": {}}},
}
USER: Tree = _leaves("operations", "personalSpace", "isExternalCollaborator", "status")
CONTENT: Tree = {
    **_leaves("operations", "macroRenderedOutput", "schedulePublishDate", "schedulePublishInfo"),
    "body": _leaves(*CLOUD_BODIES),
    "version": _leaves("by", "collaborators", "content"),
    "history": HISTORY,
    "space": SPACE,
    "container": SPACE,
    "metadata": {**_LABELLED, **_leaves("currentuser", "properties", "frontend", "likes")},
    "restrictions": RESTRICTIONS,
    "extensions": _leaves("inlineProperties", "resolution"),
    "childTypes": _leaves("all", "page", "attachment", "comment", "folder"),
}
# A content is found again in these, with all its own expansions.
_CHILDREN: Tree = dict.fromkeys(("page", "comment", "attachment", "folder"), CONTENT)
CONTENT |= {"ancestors": CONTENT, "children": _CHILDREN, "descendants": _CHILDREN}
SPACE["homepage"] = CONTENT


def expand_of(legal: Tree) -> Check:
    """A check that an `expand` parameter names nothing that does not exist (Confluence would silently leave it out)."""

    def check(value: str) -> str:
        for path in value.split(","):
            branch = legal
            for name in path.split("."):
                if name not in branch:
                    raise ValueError(f"there is no expansion {path!r}")
                branch = branch[name]
        return value

    return check


def expansion_tree(paths: list[str]) -> Tree:
    """The tree of all expansions asked for."""
    tree: Tree = {}
    for path in paths:
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return tree
