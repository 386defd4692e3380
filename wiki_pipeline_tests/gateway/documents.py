"""What the sources of these tests hold: a small handbook and a small repository."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wiki_pipeline.model import Ancestor, RawPage, SourceKey

SPACE = SourceKey("default", "confluence", "ENG")
REPOSITORY = SourceKey("default", "git", "acme/rocket")
COMMIT = "1f3a9c" + "0" * 34
LONG_TITLE = "Lessons " + "x" * 247

_CLOUD = "https://acme.atlassian.net/wiki/spaces/ENG/pages/"
_STORAGE = "application/vnd.atlassian.confluence.storage+xml"


def page(document_id: str, title: str, body: str, above: str = "", **columns: Any) -> RawPage:
    """A page of the space ENG; `above` are the ids of its ancestors, the nearest last."""
    ancestors = tuple(Ancestor(name, f"Title of {name}") for name in above.split())
    facts: dict[str, Any] = {
        "url": f"{_CLOUD}{document_id}/x",
        "parent_id": ancestors[-1].document_id if ancestors else None,
        "version": "7",
        "version_key": "7",
        "author": "Ana Ruiz",
        "modified_at": datetime(2026, 10, 3, 8, 30, tzinfo=UTC),
        "created_at": datetime(2024, 5, 1, tzinfo=UTC),
        "media_type": _STORAGE,
    } | columns
    return RawPage(
        document_id=document_id, title=title, body=body, ancestors=ancestors, space_key="ENG", space_name="Eng", **facts
    )


def file(path: str, body: str, media_type: str) -> RawPage:
    """A file of the repository acme/rocket on GitHub."""
    return RawPage(
        document_id=path,
        title=path,
        path=path,
        body=body,
        media_type=media_type,
        url=f"https://github.com/acme/rocket/blob/{COMMIT}/{path}",
        version=COMMIT,
        version_key=COMMIT,
        space_key="acme/rocket",
        space_name="acme/rocket",
        author="Ben Ito",
        modified_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


_WIDE_ROW = "".join(f"<td>a_rather_long_column_name_{n}</td>" for n in range(12))
_GUIDE = """
<p>Who is called when a station goes silent at night. See
<ac:link><ri:page ri:content-title="Dashboards &amp; R/W 100%" /></ac:link> and
<a href="https://example.org/paging">the vendor</a>, or
<a href="https://github.com/acme/rocket/blob/main/src/engine.py#L3">the engine</a>.</p>
<h2>Paging</h2><p>The first person called is on duty for the region of the station. MORE</p>
<h3>Escalation</h3>
<p>After twelve minutes the pager calls the second person, then the keeper of the lighthouse. MORE</p>
<h2>Wide table</h2><table><tbody><tr>ROW</tr><tr>ROW</tr></tbody></table>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">python</ac:parameter>
<ac:plain-text-body><![CDATA[def page(person: str) -> None:
    print(f"calling {person} <now>", "and going on for so long that no telephone in the world shows the whole line")
]]></ac:plain-text-body></ac:structured-macro>
<p><ac:image ac:alt="The tower"><ri:url ri:value="https://img.example.org/tower.png" /></ac:image></p>
""".replace("ROW", _WIDE_ROW).replace("MORE", " ".join(f"Remark {n} on what happened in week {n}." for n in range(60)))
_ATTACK = """
<p>Before <script>document.title = "owned"</script><img src="x" onerror="document.title = 'owned'" /> after</p>
<ac:structured-macro ac:name="html"><ac:plain-text-body><![CDATA[<script>document.title = "owned"</script>
<form action="https://evil.example/"><input name="q" /></form>]]></ac:plain-text-body></ac:structured-macro>
<p><a href="javascript:document.title='owned'">click</a></p>
"""
_ARABIC = "<p>تصف هذه الصفحة الفحص الشهري لمحطة الإسكندرية.</p><h2>قبل الزيارة</h2><ul><li>تصريح مكتوب</li></ul>"

PAGES = [
    page("100", "Engineering", "<p>Welcome to engineering.</p>"),
    page("110", "On-call guide", _GUIDE, "100", position=1, labels=("on-call", "night")),
    page("120", "Dashboards & R/W 100%", "<p>Dashboards of the stations.</p>", "100", position=2),
    page("130", "محطة الإسكندرية: الفحص الشهري", _ARABIC, "100 120"),
    page("140", "🚀", "<p>A page whose title has no letters.</p>", "100 120"),
    page("150", LONG_TITLE, "<p>A title of 255 characters.</p>", "100 999", position=9),
    page("160", "Old imports", _ATTACK, "100", position=10),
]
FILES = [
    file(
        "README.md",
        "# Rocket\n\nStart with [the guide](docs/guide.md#ignition) or [the engine](src/engine.py).\n",
        "text/markdown",
    ),
    file(
        "docs/guide.md",
        "# Guide\n\n## Ignition\n\nPress the big red button.\n\n## Landing\n\nUse the feet.\n",
        "text/markdown",
    ),
    file(
        "src/engine.py",
        '"""The engine."""\n\n\ndef ignite(seconds: int) -> None:\n    """Burn the propellant."""\n',
        "text/x-python",
    ),
    file("src/odd name?#1.sql", "SELECT * FROM propellant;\n", "text/x-sql"),
]
