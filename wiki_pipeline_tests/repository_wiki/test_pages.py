"""The pages of a small repository: their facts, their manifests, and that strangers' words stay words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import pytest

from wiki_pipeline.model import RawPage, SourceKey
from wiki_pipeline.repository_wiki import documents
from wiki_pipeline.repository_wiki.pages import Address, planned
from wiki_pipeline.repository_wiki.pages.plan import upstream
from wiki_pipeline.repository_wiki.structure import Repository, Section
from wiki_pipeline.text.files.markdown_file import clean_markdown
from wiki_pipeline.text.known import NOTHING_KNOWN
from wiki_pipeline.wiki.own_links import OwnLinks
from wiki_pipeline.wiki.render import render_own
from wiki_pipeline_tests.repository_wiki.small import FILES, HISTORY, surveyed

BASE = "/wiki/git-harbour/"
ADDRESS = Address(BASE)
SOURCE = SourceKey("default", "git", "harbour")
_LINK = re.compile(r'href="([^"]*)"')


@pytest.fixture(scope="module")
def repository() -> Repository:
    return surveyed(FILES, HISTORY)


def texts(repository: Repository) -> dict[str, str]:
    return {page_id: plan.write().markdown for page_id, plan in planned(repository, ADDRESS).items()}


def shown(markdown: str) -> str:
    raw = RawPage(document_id="x", title="X", url="", media_type="text/markdown", version_key="", body=markdown)
    return render_own(clean_markdown(raw, NOTHING_KNOWN), SOURCE, OwnLinks(BASE))


def plain(markdown: str) -> str:
    """The words that a reader sees."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown(markdown))).split())


def test_there_is_a_page_for_each_subject_folder_and_file_of_code(repository: Repository) -> None:
    found = planned(repository, ADDRESS)
    assert {page_id for page_id, plan in found.items() if plan.kind == "module"} == {
        "db/schema.sql", "harbour/__init__.py", "harbour/cli.py", "harbour/ships.py", "harbour/web.py", "pilot/main.go",
        "pilot/tide/tide.go", "tests/test_ships.py",
    }  # fmt: skip
    assert {page_id for page_id, plan in found.items() if plan.kind == "package"} == {
        ".github/", ".github/workflows/", "db/", "deploy/", "docs/", "harbour/", "pilot/", "pilot/tide/", "tests/",
    }  # fmt: skip
    assert {page_id for page_id, plan in found.items() if plan.kind == "overview"} == {
        f"-/{name}"
        for name in [
            "overview",
            "architecture",
            "contents",
            "api",
            "interfaces",
            "settings",
            "data",
            "dependencies",
            "pipelines",
            "deployment",
            "history",
            "glossary",
            "coverage",
        ]
    }


def test_the_overview_says_what_it_is_and_how_to_run_and_test_it(repository: Repository) -> None:
    text = plain(texts(repository)["-/overview"])
    assert text.startswith("Ships, watched.")
    assert "Licence MIT" in text
    assert "make test Makefile : Run all tests" in text
    assert "make run Makefile : Start the harbour" in text
    assert "harbour console script harbour.cli:main" in text
    assert "pilot/" in text


def test_a_module_says_what_it_holds_and_who_uses_it(repository: Repository) -> None:
    text = texts(repository)["harbour/ships.py"]
    words = plain(text)
    assert words.startswith("Ships and where they lie.")
    assert "owned by @pilots" in words
    assert "lately changed by Ada Lovelace (1), Ben Ito (1)" in words
    assert "[`def moor(berth: int = 1) -> bool`](#L15)" in text
    assert "Tie it up." in words
    assert "_secret" not in text
    assert f"[`harbour/web.py`]({BASE}harbour/web.py#L3) uses `Ship`" in text
    assert f"[`tests/test_ships.py`]({BASE}tests/test_ships.py#L1) uses `Ship`" in text
    assert "2026-11-01 Moor ships Ada Lovelace c2c2c2c2" in words
    assert "#L7-L19" in text


def test_imports_lead_to_what_they_take(repository: Repository) -> None:
    assert (
        f"[`harbour/ships.py`]({BASE}harbour/ships.py): [`Ship`]({BASE}harbour/ships.py#L7)"
        in texts(repository)["harbour/web.py"]
    )
    assert [use.path for use in repository.imports["harbour/cli.py"]] == ["harbour/web.py"]
    assert [use.path for use in repository.imports["pilot/main.go"]] == ["pilot/tide/"]
    assert [use.path for use in repository.users("pilot/tide/tide.go")] == ["pilot/main.go"]


@pytest.mark.parametrize(
    ("page_id", "words"),
    [
        ("-/interfaces", ["GET /ships/{name} ship harbour/web.py:8", "main Serve the harbour.", "--loud Say more."]),
        ("-/settings", ["HARBOUR_PORT '8080' environment harbour/cli.py:7"]),
        ("-/data", ["Ship name harbour/ships.py:7", "ships"]),
        ("-/dependencies", ["httpx >=0.28 pyproject.toml:6", "github.com/gin-gonic/gin v1.9.0 pilot/go.mod:3"]),
        ("-/pipelines", ["check ci, on push .github/workflows/ci.yml:4"]),
        ("-/deployment", ["Deployment harbour", "deploy/app.yaml:4"]),
        ("-/history", ["Moor ships Ada Lovelace", "Ben Ito 1", "harbour/ships.py 2"]),
        ("-/glossary", ["Ship A vessel."]),
        ("-/coverage", ["python 4", "Imported by tests"]),
        ("-/api", ["def main() -> None", "func Table() []int"]),
        ("-/contents", ["README.md", "Zebras first First in order."]),
        ("pilot/tide/", ["Package tide knows the tides.", "tide.go", "pilot/ (1)"]),
        ("harbour/", ["The harbour's own package.", "owned by @pilots"]),
    ],
)
def test_what_else_is_told(repository: Repository, page_id: str, words: list[str]) -> None:
    text = plain(texts(repository)[page_id]).replace(" ,", ",")
    for expected in words:
        assert expected in text


def test_the_architecture_is_drawn_and_told(repository: Repository) -> None:
    written = planned(repository, ADDRESS)["-/architecture"].write()
    assert written.diagram.startswith("<svg ")
    assert "pilot/tide" in written.diagram
    assert "style=" not in written.diagram
    assert "pilot/tide" in written.markdown


def test_documents_keep_the_order_and_titles_of_their_contents(repository: Repository) -> None:
    order = documents.documents(repository)
    assert order == ["README.md", "docs/index.md", "docs/zebra.md", "docs/anchor.md"]
    places = planned(repository, ADDRESS)["-/contents"].write().places
    assert [(each.path, each.title) for each in places][:2] == [
        ("docs/index.md", "Home"),
        ("docs/zebra.md", "Zebras first"),
    ]


def test_sections(repository: Repository) -> None:
    found = {
        path: repository.section(path) for path in ("harbour/", "tests/", "docs/", "deploy/", "README.md", "Makefile")
    }
    assert list(found.values()) == [
        Section.CODE, Section.TESTS, Section.DOCUMENTATION, Section.OTHER, Section.DOCUMENTATION, Section.OTHER,
    ]  # fmt: skip


def test_every_line_link_points_at_what_it_names(repository: Repository) -> None:
    """Of each link with a line and a name of code, the name stands in that line."""
    links = re.compile(r"\[`+([^`]+)`+\]\(([^)\s]+)#L(\d+)(?:-L?\d+)?\)|\[`+([^`]+)`+\]\(#L(\d+)\)")
    checked = 0
    for page_id, text in texts(repository).items():
        for name, there, line, own_name, own_line in links.findall(text):
            path = unquote(there.removeprefix(BASE)) if there else page_id
            shown_name = name or own_name
            if path not in FILES or re.search(r"[/:]", shown_name) or shown_name in {*FILES, "name"}:
                continue
            words = re.findall(r"\w+", shown_name)
            assert any(word in FILES[path].split("\n")[int(line or own_line) - 1] for word in words), (page_id, name)
            checked += 1
    assert checked > 15


def test_no_link_leads_to_what_is_not_there(repository: Repository) -> None:
    found = planned(repository, ADDRESS)
    places = {*FILES, *found, ""}
    for page_id, plan in found.items():
        written = plan.write()
        for target in _LINK.findall(shown(written.markdown) + written.diagram):
            if target.startswith(BASE):
                path, _, line = unquote(target).removeprefix(BASE).partition("#L")
                assert path in places, (page_id, target)
                assert not line or 0 < int(line) <= FILES[path].count("\n") + 1


# --- manifests -------------------------------------------------------------------------------------------------------


def changed(before: Repository, after: Repository) -> set[str]:
    old, new = planned(before, ADDRESS), planned(after, ADDRESS)
    return {
        page_id for page_id, plan in new.items() if page_id not in old or old[page_id].input_hash != plan.input_hash
    }


def test_the_same_manifest_makes_the_same_page(repository: Repository) -> None:
    """Also where something else of the repository is different."""
    variants = [
        {**FILES, "harbour/ships.py": FILES["harbour/ships.py"].replace("A vessel.", "A boat.")},
        {**FILES, "harbour/cli.py": FILES["harbour/cli.py"].replace("from . import web", "from . import ships")},
        {**FILES, "docs/new.md": "# New\n\nNews.\n"},
        {path: text for path, text in FILES.items() if path != "harbour/web.py"},
        {**FILES, "pilot/tide/moon.go": "package tide\n\nfunc Moon() {}\n"},
        {**FILES, "LICENSE": "Apache License, Version 2.0"},
    ]
    before = {page_id: (plan.input_hash, plan.write()) for page_id, plan in planned(repository, ADDRESS).items()}
    for files in variants:
        same = 0
        for page_id, plan in planned(surveyed(files, HISTORY), ADDRESS).items():
            if page_id in before and before[page_id][0] == plan.input_hash:
                same += 1
                assert plan.write() == before[page_id][1], page_id
        assert same > 10


def test_the_order_of_files_makes_no_difference(repository: Repository) -> None:
    again = surveyed(dict(reversed(FILES.items())), HISTORY)
    assert changed(repository, again) == set()
    assert texts(again) == texts(repository)


def test_an_edit_touches_only_pages_that_show_it(repository: Repository) -> None:
    body = FILES["harbour/web.py"].replace("return Ship(name)", "return Ship(name.lower())")
    assert changed(repository, surveyed({**FILES, "harbour/web.py": body}, HISTORY)) == {"harbour/web.py"}
    documented = FILES["harbour/ships.py"].replace("A vessel.", "A boat.")
    touched = changed(repository, surveyed({**FILES, "harbour/ships.py": documented}, HISTORY))
    assert touched == {"harbour/ships.py", "-/api", "-/glossary"}


# --- strangers' words ------------------------------------------------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "`</code><script>alert(1)</script>`",
    "``` `` ```\n\n<svg onload=alert(1)>",
    '"><svg/onload=alert(1)>',
    "a|b|<b>c</b>",
    "</title></svg><script>alert(1)</script>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "# heading\n\n- list\n\n> quote",
    "$$x$$ \\(y\\)",
    "https://evil.example/ www.evil.example a@evil.example",
    "\u202egnp.exe",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_strangers_wrote_stays_text(payload: str) -> None:
    name = payload.replace("/", "⁄").replace("\n", " ")
    quoted = payload.replace("\\", "\\\\").replace('"""', "")
    files = {
        **FILES,
        f"harbour/{name}.py": f'"""{quoted} """\n\n\ndef f(a={payload!r}):\n    """{quoted} """\n',
        f"{name}/x.go": f"package x\n\n// {name}\nfunc F() {{}}\n",
        "package.json": '{"name": "x", "description": '
        + json.dumps(payload)
        + ', "scripts": {"test": '
        + json.dumps(payload)
        + "}}",
        f"docs/{name}.md": f"# {payload}\n\n{payload}\n",
        "CODEOWNERS": f"* {name}\n",
    }
    history = (replace(HISTORY[0], subject=payload, author=payload, paths=(f"harbour/{name}.py",)),)
    for page_id, plan in planned(surveyed(files, history), ADDRESS).items():
        written = plan.write()
        html = shown(written.markdown)
        for part in (html, written.diagram):
            assert not re.search(r"<(?:script|img|iframe|object)\b", part, re.IGNORECASE), page_id
            assert not re.search(r"<[^>]*\son\w+\s*=", part, re.IGNORECASE), page_id
            assert not re.search(r'href="(?:javascript|data):', part, re.IGNORECASE), page_id
        assert "<svg" not in html
        targets = [target for target in _LINK.findall(html) if "evil" in target and target.startswith("http")]
        assert all("github.com/acme" in target for target in targets), (page_id, targets)
        assert "\u202e" not in re.sub(r'(?:href|id)="[^"]*"', "", html)


def test_lines_upstream_are_named_as_each_forge_does(repository: Repository) -> None:
    file = repository.files["harbour/ships.py"]
    assert upstream(file, 3, 5) == f"{file.url}#L3-L5"
    assert upstream(replace(file, url="https://gitlab.com/a/b/-/blob/c/x.py"), 3, 5).endswith("#L3-5")
    assert upstream(replace(file, url="https://bitbucket.org/a/b/src/c/x.py"), 3, 5).endswith("#lines-3:5")
    assert upstream(replace(file, url="file:///srv/x.py"), 3, 5) == ""
    assert upstream(file, 3) == f"{file.url}#L3"


def test_an_empty_repository_has_no_pages() -> None:
    assert planned(surveyed({}), ADDRESS) == {}
