"""The text of PDF and Word files, and what becomes of those that mean harm."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from wiki_pipeline.text.attachments import ExtractionLimits, Extractor
from wiki_pipeline.text.attachments.media import PDF, WORD
from wiki_pipeline_tests.text.attachments.files import (
    assembled,
    deep_word,
    drawn_in_itself,
    endless_pdf,
    entity_word,
    flate_bomb,
    font_bomb,
    object_stream_bomb,
    pdf,
    wide_word,
    widths_bomb,
    word,
    word_bomb,
)

pytestmark = [pytest.mark.integration, pytest.mark.security]


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    extractor = Extractor(ExtractionLimits(seconds=20, characters=20_000, pages=5))
    yield extractor
    extractor.close()


def test_a_pdf_s_text_stands_below_its_pages(extractor: Extractor) -> None:
    found = extractor.extract(pdf("Prime the pump", "", "Then *wait*"), PDF)
    assert found.text == "## Page 1\n\nPrime the pump\n\n## Page 3\n\nThen \\*wait\\*"
    assert found.notes == ()


def test_a_word_file_keeps_headings_lists_and_tables(extractor: Extractor) -> None:
    data = word(
        ("Title", "Visits"), ("Heading 2", "Before"), ("Normal", "# no heading"), ("List Bullet", "tools"),
        table=[["Part", "Number"], ["Pipe | 3", "7"]],
    )  # fmt: skip
    expected = (
        "# Visits\n\n## Before\n\n\\# no heading\n\n- tools\n\n| Part | Number |\n| --- | --- |\n| Pipe \\| 3 | 7 |"
    )
    assert extractor.extract(data, WORD).text == expected


def test_the_same_file_gives_the_same_text_in_another_process(extractor: Extractor) -> None:
    data = pdf("One", "Two")
    other = Extractor(extractor.limits)
    try:
        assert other.extract(data, PDF) == extractor.extract(data, PDF)
    finally:
        other.close()


def test_other_files_have_no_text(extractor: Extractor) -> None:
    assert extractor.extract(b"\x89PNG", "image/png").text == ""


# Made where they are read: some take seconds, which every collection of tests would pay.
HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a PDF that ends": (lambda: b"%PDF-1.7 nothing behind it", PDF, "damaged"),
    "no archive": (lambda: b"PK\x03\x04 no archive", WORD, "damaged"),
    "300 MB of nothing": (lambda: word_bomb(300_000_000), WORD, "larger inside"),
    "a list of pages that leads back to itself": (
        lambda: assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]),
        PDF,
        "",
    ),
    "a billion pages, it says": (
        lambda: assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 999999999 >>"]),
        PDF,
        "",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_has_no_text_and_harms_none_of_the_others(extractor: Extractor, name: str) -> None:
    make, media_type, said = HOSTILE[name]
    found = extractor.extract(make(), media_type)
    assert found.text == ""
    assert said in " ".join(found.notes)
    assert extractor.extract(pdf("Still here"), PDF).text.endswith("Still here")


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a font that maps everything 20,000 times": (lambda: font_bomb(20_000), PDF),
    "a font with a billion widths": (lambda: widths_bomb(1_000_000_000), PDF),
    "a stream of a billion objects that goes on in itself": (object_stream_bomb, PDF),
    "a page of a gigabyte of nothing": (lambda: flate_bomb(1_000_000_000), PDF),
    "a form that draws itself": (drawn_in_itself, PDF),
    "a cell of a billion columns": (lambda: wide_word(1_000_000_000), WORD),
    "entities in entities": (entity_word, WORD),
    "tables in tables": (lambda: deep_word(20_000), WORD),
}


@pytest.mark.security
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_itself_alone(name: str) -> None:
    """Within the limits and with a note; what it holds of text may come, and the next file is read."""
    make, media_type = BOMBS[name]
    patient = Extractor(ExtractionLimits(seconds=5, memory=400_000_000))
    try:
        found = patient.extract(make(), media_type)
        assert len(found.text) < 1_100_000
        assert all(note.startswith(("Its text can't be searched: ", "Of its text, ")) for note in found.notes)
        assert "boom" not in found.text
        assert patient.extract(pdf("Still here"), PDF).text.endswith("Still here")
    finally:
        patient.close()


def test_a_file_that_takes_too_long_is_given_up(extractor: Extractor) -> None:
    impatient = Extractor(ExtractionLimits(seconds=2))
    try:
        found = impatient.extract(endless_pdf(), PDF)
        assert (found.text, found.notes) == ("", ("Its text can't be searched: reading it takes longer than 2 s.",))
        # On a busy machine the start of the next process alone may take two seconds.
        assert any(impatient.extract(pdf("Still here"), PDF).text.endswith("Still here") for _ in range(10))
    finally:
        impatient.close()


def test_a_file_that_needs_too_much_memory_is_given_up() -> None:
    small = Extractor(ExtractionLimits(memory=256_000_000))
    try:
        bomb = word_bomb(190_000_000)  # within what a Word file may hold, but not twice
        assert small.extract(bomb, WORD).text in {"", "small"}
        assert small.extract(pdf("Still here"), PDF).text.endswith("Still here")
    finally:
        small.close()


def test_long_files_are_cut_and_say_so(extractor: Extractor) -> None:
    many = extractor.extract(pdf(*(f"Page {number}" for number in range(9))), PDF)
    assert (many.text.count("##"), many.notes) == (5, ("Of its text, only its first 5 pages were read.",))
    long = extractor.extract(word(*(("Normal", "word " * 500) for _ in range(20))), WORD)
    assert len(long.text) < 21_000
    assert "20,000 characters" in long.notes[0]


def test_the_process_that_reads_has_none_of_our_environment(
    monkeypatch: pytest.MonkeyPatch, extractor: Extractor
) -> None:
    monkeypatch.setenv("CONFLUENCE_TOKEN", "hush")
    fresh = Extractor(extractor.limits)
    try:
        fresh.extract(pdf("x"), PDF)
        assert fresh._process is not None
        with open(f"/proc/{fresh._process.pid}/environ", "rb") as environment:  # noqa: PTH123
            assert b"hush" not in environment.read()
    except FileNotFoundError:
        assert os.name != "linux"
    finally:
        fresh.close()
