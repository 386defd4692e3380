"""Macros that hold text verbatim: code, preformatted text, formulas, diagrams written as text."""

from __future__ import annotations

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.diagrams import diagram_source, inflated
from wiki_pipeline.text.confluence.macro_parameters import parameters, plain_body, rich_body
from wiki_pipeline.text.confluence.registry import PLAIN, RICH, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter, one_line
from wiki_pipeline.text.markdown import escape

# Confluence's names for languages where the rest of the world has others.
_LANGUAGES = {
    "actionscript3": "actionscript",
    "c#": "csharp",
    "coldfusion": "cfm",
    "html/xml": "html",
    "javafx": "java",
    "js": "javascript",
    "none": "",
    "plain": "",
    "py": "python",
    "sh": "bash",
    "shell": "bash",
    "text": "",
    "vb": "vbnet",
    "yml": "yaml",
}


@macro("code", "code-block", "codeblock", "snippet", reads=(PLAIN,))
def code(node: Element, page: PageWriter) -> str:
    """A code block with its language; a title in bold above it."""
    values = parameters(node)
    return _titled(values.get("title", ""), plain_body(node), language(values.get("language") or values.get("") or ""))


@macro("noformat", "unmigrated-wiki-markup", "unmigrated-inline-wiki-markup", reads=(PLAIN,))
def noformat(node: Element, page: PageWriter) -> str:
    """A code block without language."""
    return _titled(parameters(node).get("title", ""), plain_body(node), "")


_FOREIGN = "html html-include html-bobswift xslt sql sql-query latex csv json-table"


@macro(*_FOREIGN.split(), reads=(PLAIN, RICH))
def foreign(node: Element, page: PageWriter) -> str:
    """Its body as a code block: it is a program for Confluence's server, not text."""
    name = (node.get("{ac}name") or "").partition("-")[0]
    code = _titled("", plain_body(node), name if name in {"html", "sql", "latex", "csv", "json", "xslt"} else "")
    rich = rich_body(node)
    return f"{code}\n\n{page.blocks(rich)}".strip() if rich is not None else code


_MARKDOWN = """
    markdown markdown-from-text mohamicorp-markdown markdown-macro markdown-html advanced-markdown easy-markdown
    markdown-for-confluence render-markdown
"""


@macro(*_MARKDOWN.split(), reads=(PLAIN,))
def markdown_text(node: Element, page: PageWriter) -> str:
    """Its body, which is Markdown; some apps keep it in a parameter."""
    values = parameters(node, breaks="\n")
    text = plain_body(node) or next(
        (values[key] for key in ("markdown", "content", "text", "body") if key in values), ""
    )
    return text.strip("\n")


# By the language of their code blocks. Graphviz's language is drawn by PlantUML's server in the apps that have it.
_DIAGRAMS = {
    "mermaid": """
        mermaid mermaid-macro mermaid-cloud mermaiddiagram mermaid-diagram confluence-mermaid-macro mermaid-charts
        mermaid-chart mermaid-for-confluence mermaid-integration
    """,
    "plantuml": "plantuml plantumlrender plantumlcloud plantuml-macro plantuml-cloud flowchart",
    "dot": "graphviz digraph",
}
_LANGUAGE_OF = {name: language for language, names in _DIAGRAMS.items() for name in names.split()}
_SOURCES = ("data", "umlDefinition", "code", "source", "diagram", "body")


@macro(*_LANGUAGE_OF, reads=(PLAIN,))
def diagram(node: Element, page: PageWriter) -> str:
    """A diagram written as text, as a code block; the name of its file where the text is elsewhere."""
    values = parameters(node, breaks="\n")
    stored = plain_body(node).strip() or next((values[key] for key in _SOURCES if values.get(key)), "")
    source = inflated(stored) or diagram_source(stored)
    name = values.get("filename") or values.get("fileName") or ""
    if not source.strip():
        return page.placeholder(f"Diagram: {name}" if name else "Diagram")
    return markdown.fence(source, _LANGUAGE_OF[(node.get("{ac}name") or "").lower()])


_DISPLAYED = "mathblock easy-math-block mathjax-block-macro latexmath-block latex-formatting"
_INLINE = "mathinline eazy-math-inline easy-math-inline mathjax-inline-macro latexmath"


@macro(*_DISPLAYED.split(), reads=(PLAIN, RICH))
def display_math(node: Element, page: PageWriter) -> str:
    """A formula on its own, between `$$`."""
    formula = _formula(node, page)
    return f"$$\n{formula}\n$$" if formula else ""


@macro(*_INLINE.split(), block=False, reads=(PLAIN, RICH))
def inline_math(node: Element, page: PageWriter) -> str:
    """A formula in the line, between `$`."""
    formula = " ".join(_formula(node, page).split())
    return f"${formula}$" if formula else ""


def language(name: str) -> str:
    """Confluence's name of a language as highlighters know it."""
    name = name.strip().lower()
    return _LANGUAGES.get(name, name)


def _titled(title: str, code: str, language: str) -> str:
    if not code.strip():
        return f"**{escape(title)}**" if title else ""
    fence = markdown.fence(code, language)
    return f"**{escape(title)}**\n\n{fence}" if title else fence


def _formula(node: Element, page: PageWriter) -> str:
    values = parameters(node)
    rich = rich_body(node)
    shown = markdown.plain(one_line(page.blocks(rich))) if rich is not None else ""
    return (
        f"{plain_body(node).strip()} {shown}".strip()
        or values.get("body")
        or values.get("equation")
        or values.get("")
        or ""
    ).strip()
