"""Handlers of lists: bullets, numbers, tasks, terms."""

from __future__ import annotations

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.registry import AC, Element, element
from wiki_pipeline.text.confluence.writer import PageWriter

# What a list, a quote, a table or code begins with.
_BLOCK_STARTS = "-*>|<`$#"


@element("ul", "menu", "dir", block=True)
def bullets(node: Element, page: PageWriter) -> str:
    """A bullet list; Confluence's inline tasks in it with their boxes."""
    marker = "* " if page.second_list else "- "
    page.level += 1
    items = [_item(child, marker, page) for child in node]
    page.level -= 1
    return _joined(items)


@element("ol", block=True)
def numbers(node: Element, page: PageWriter) -> str:
    """A numbered list, from its `start`."""
    delimiter = ") " if page.second_list else ". "
    start = node.get("start", "1")
    number = int(start) if start.isascii() and start.isdecimal() and len(start) < 9 else 1
    items = []
    page.level += 1
    for child in node:
        items.append(_item(child, f"{number}{delimiter}", page))
        number += child.tag == "li"
    page.level -= 1
    return _joined(items)


@element("ac:task-list", block=True)
def tasks(node: Element, page: PageWriter) -> str:
    """A task list: done or not, with assignee and date where the task names them."""
    items = []
    page.level += 1
    for task in node:
        if task.tag != AC + "task":
            items.append(_marked("- ", page.blocks(task), page))
            continue
        body = task.find(AC + "task-body")
        done = (task.findtext(AC + "task-status") or "").strip() == "complete"
        content = page.blocks(body) if body is not None else ""
        items.append(_task(done, content, page))
    page.level -= 1
    return _joined(items)


@element("dl", block=True)
def terms(node: Element, page: PageWriter) -> str:
    """A list of terms, each in bold with its meaning below."""
    items: list[str] = []
    page.level += 1
    for child in node:
        content = page.blocks(child)
        if child.tag == "dt" or not items:
            strong = child.tag == "dt" and content and "\n" not in content
            items.append(_marked("- ", f"**{content}**" if strong else content, page))
        else:
            width = page.indent(2)
            if content and items[-1] and _ends_in_text(items[-1]) and content[0] not in _BLOCK_STARTS:
                items[-1] += "  "  # a meaning begins on a line of its own
            items.append(" " * width + markdown.indented(content, width) if content else "")
    page.level -= 1
    return _joined(items)


@element("li", "dt", "dd", "ac:task", block=True)
def stray_item(node: Element, page: PageWriter) -> str:
    """An item outside of a list is a paragraph."""
    return page.blocks(node)


def _ends_in_text(item: str) -> bool:
    return item[-1] not in "`|>" or not item.rpartition("\n")[2].strip().startswith(("```", "|", ">", "</"))


def _item(child: Element, marker: str, page: PageWriter) -> str:
    if child.tag != "li":
        return _marked("- ", page.blocks(child), page)
    content = page.blocks(child)
    if child.get("data-inline-task-id"):
        return _task("checked" in (child.get("class") or "").split(), content, page)
    return _marked(marker, content, page)


def _task(done: bool, content: str, page: PageWriter) -> str:
    return _marked("- ", f"[{'x' if done else ' '}] {content}", page) if content else ""


def _marked(marker: str, content: str, page: PageWriter) -> str:
    """An item: its first paragraph directly followed by a list stays tight."""
    if not content:
        return ""
    head, gap, rest = content.partition("\n\n")
    if gap and rest.startswith(("- ", "* ", "1. ", "1) ")) and not head.startswith(("```", "<", "|", ">")):
        content = f"{head}\n{rest}"
    return marker + markdown.indented(content, page.indent(len(marker)))


def _joined(items: list[str]) -> str:
    return "\n".join([item for item in items if item])
