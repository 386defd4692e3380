"""Where spaces come from: generated for benchmarks, or read from a folder of storage-format files."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

import pytest
from lxml import etree

from wiki_pipeline.demo.confluence.site import Site
from wiki_pipeline.demo.confluence.spaces import AVERAGE_BYTES, HANDBOOK, generate_space, load_folder


def test_a_generated_space_is_the_same_for_the_same_seed() -> None:
    def pages(seed: int) -> list[tuple[str, str, tuple[str, ...], int]]:
        space = generate_space(Site(), "GEN", 40, seed)
        return [(item.title, item.body, item.labels, item.version.number) for item in space.contents.values()]

    assert pages(1) == pages(1)
    bodies = [{body for _, body, _, _ in pages(seed)} for seed in (1, 2)]
    assert bodies[0].isdisjoint(bodies[1])


def test_generated_bodies_have_realistic_sizes_and_are_well_formed() -> None:
    bodies = [item.body for item in generate_space(Site(), "GEN", 600).contents.values()]
    sizes = [len(body.encode()) for body in bodies]
    assert AVERAGE_BYTES * 0.9 < mean(sizes) < AVERAGE_BYTES * 1.1
    assert min(sizes) < AVERAGE_BYTES / 3
    assert max(sizes) > AVERAGE_BYTES * 2
    for body in bodies:
        etree.fromstring(f'<root xmlns:ac="ac" xmlns:ri="ri">{body}</root>')
    everything = "".join(bodies)
    for part in ("<h2>", "<ul>", "<table", '"code"', '"info"', "<ac:task-list>", "<ri:page"):
        assert everything.count(part) > 50


def test_generated_pages_hang_in_one_tree_with_titles_of_their_own() -> None:
    space = generate_space(Site(), "GEN", 2_000)
    (root,) = space.roots
    assert root is space.homepage
    assert len(root.descendants()) == 1_999
    assert len({item.title for item in space.contents.values()}) == 2_000
    assert max(len(item.ancestors) for item in space.contents.values()) >= 3


def test_generated_bodies_are_not_kept_until_a_page_is_edited() -> None:
    page = generate_space(Site(), "GEN", 5).page("Gen home")
    assert callable(page.version.body)
    before = page.body
    page.edit(before + "<p>One more line</p>")
    assert page.body == before + "<p>One more line</p>"
    assert page.versions[0].storage == before


def test_several_generated_spaces_live_on_one_site() -> None:
    site = Site()
    first, second = generate_space(site, "ONE", 20), generate_space(site, "TWO", 20)
    assert len(site.contents) == 40
    assert first.contents.keys().isdisjoint(second.contents.keys())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A space of three pages with a file and two people."""

    def page(path: str, body: str, **facts: object) -> None:
        known = {"author": "Ada Lovelace", "version": 3, "labels": ["people"], **facts}
        known |= {"created": "2026-01-05T09:00:00Z", "modified": "2026-10-02T14:30:00Z"}
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"<!-- {json.dumps(known)} -->\n{body}", "utf-8")

    people = [{"display_name": "Ada Lovelace", "account_id": "70121:ada", "user_key": "8a7f"}]
    facts = {"key": "HB", "name": "Handbook", "description": "Ours", "homepage": "1", "users": people}
    (tmp_path / "space.json").write_text(json.dumps(facts), "utf-8")
    page("00-home.xml", "<p>Hello – 你好</p>", id="1", title="Home")
    page("00-home/02-second.xml", "<p>2</p>", id="3", title="A second")
    page("00-home/01-first.xml", "<p>1</p>\n<p>b</p>", id="2", title="The first", status="archived")
    (tmp_path / "00-home.attachments").mkdir()
    (tmp_path / "00-home.attachments" / "map.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_a_space_is_read_from_a_folder(folder: Path) -> None:
    site = Site("cloud")
    space = load_folder(site, folder)
    home = space.contents["1"]
    assert (space.key, space.name, space.homepage) == ("HB", "Handbook", home)
    assert home.body == "<p>Hello – 你好</p>"
    assert [item.title for item in home.ordered_children()] == ["The first", "A second"]
    assert (home.version.number, home.version.by.key, home.labels) == (3, "70121:ada", ("people",))
    assert home.created.isoformat() == "2026-01-05T09:00:00+00:00"
    assert home.version.when.isoformat() == "2026-10-02T14:30:00+00:00"
    assert space.contents["2"].status == "archived"
    assert [(item.title, item.media_type, item.data) for item in home.attachments] == [
        ("map.png", "image/png", b"\x89PNG")
    ]


def test_data_center_knows_the_people_of_a_folder_by_user_key(folder: Path) -> None:
    site = Site("datacenter")
    load_folder(site, folder)
    assert site.user("Ada Lovelace").key == "8a7f"


def test_a_file_without_facts_is_named(folder: Path) -> None:
    (folder / "09-broken.xml").write_text("<p>No facts</p>", "utf-8")
    with pytest.raises(ValueError, match=r"09-broken\.xml"):
        load_folder(Site(), folder)


def test_the_handbook_loads() -> None:
    space = load_folder(Site(), HANDBOOK)
    assert len(space.contents) >= 40
    assert max(len(item.ancestors) for item in space.contents.values()) >= 3
    files = {item.title for page in space.contents.values() for item in page.attachments}
    assert files
