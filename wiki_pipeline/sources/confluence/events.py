"""The events of Confluence, in the words of Data Center and Connect, and what each can change of what is kept."""

from __future__ import annotations

import re
from enum import Enum, auto

_FORGE = re.compile(r"avi:confluence:([a-z_]{1,40}):([a-z_]{1,40})(?::[A-Za-z0-9_.-]{1,40})*")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


class Effect(Enum):
    """What an event makes us look at."""

    VERSION = auto()  # the page; the version that is given has the change
    PAGE = auto()  # the page, whatever its version
    GONE = auto()  # the page, where it is served or was said to be
    MOVED = auto()  # the page wherever it was or is, and what is below it
    BELOW = auto()  # the page and what is below it
    SPACE = auto()  # everything in the space
    PART = auto()  # the page that something belongs to: a label, an attachment
    NOTHING = auto()


_EFFECTS = {
    "page_created": Effect.VERSION,
    "page_updated": Effect.VERSION,
    "page_published": Effect.PAGE,
    "page_snapshotted": Effect.PAGE,
    "page_started": Effect.PAGE,
    "page_initialized": Effect.PAGE,
    "page_copied": Effect.PAGE,
    "page_moved": Effect.MOVED,
    "page_restored": Effect.MOVED,
    "page_unarchived": Effect.MOVED,
    "page_trashed": Effect.GONE,
    "page_removed": Effect.GONE,
    "page_archived": Effect.GONE,
    "page_children_reordered": Effect.BELOW,
    "content_permissions_updated": Effect.BELOW,
    "space_created": Effect.SPACE,
    "space_updated": Effect.SPACE,
    "space_removed": Effect.SPACE,
    "space_trashed": Effect.SPACE,
    "space_restored": Effect.SPACE,
    "space_archived": Effect.SPACE,
    "space_unarchived": Effect.SPACE,
    "space_permissions_updated": Effect.SPACE,
    "label_added": Effect.PART,
    "label_removed": Effect.PART,
    "attachment_created": Effect.PART,
    "attachment_updated": Effect.PART,
    "attachment_moved": Effect.PART,
    "attachment_trashed": Effect.PART,
    "attachment_restored": Effect.PART,
    "attachment_removed": Effect.PART,
    "attachment_archived": Effect.PART,
    "attachment_unarchived": Effect.PART,
}
# Words that mean one of the above: Forge's, and those of older versions.
_SAME = {
    "page_deleted": "page_removed",
    "page_permissions_updated": "content_permissions_updated",
    "page_labeled": "label_added",
    "page_unlabeled": "label_removed",
    "space_deleted": "space_removed",
    "attachment_deleted": "attachment_removed",
}
_WITHOUT_EFFECT = {
    "blog": "Blog posts are not kept.",
    "blogpost": "Blog posts are not kept.",
    "comment": "Comments are not kept.",
    "page": "It changes nothing of the page.",
    "label": "It changes no page.",
    "attachment": "It changes no page.",
    "space": "It changes no page.",
}
_OTHER = "Events of this kind change nothing that is kept."


def normal_name(event: str) -> str:
    """An event's name as Data Center writes it; empty if it is none.

    `avi:confluence:updated:page`, as Forge writes it, is `page_updated`.
    """
    forge = _FORGE.fullmatch(event)
    name = f"{forge[2]}_{forge[1]}" if forge else event if _NAME.fullmatch(event) else ""
    return _SAME.get(name, name)


def effect_of(name: str) -> Effect:
    """What an event of that name makes us look at."""
    return _EFFECTS.get(name, Effect.NOTHING)


def counted_name(name: str) -> str:
    """The name under which an event is counted: one of a bounded number, whatever senders make up."""
    noun = name.partition("_")[0]
    return name if name in _EFFECTS else f"{noun}_*" if noun in _WITHOUT_EFFECT else "other"


def why_ignored(name: str) -> str:
    """Why an event without effect is ignored, for people."""
    return _WITHOUT_EFFECT.get(name.partition("_")[0], _OTHER)
