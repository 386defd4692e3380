"""From bytes to text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.sources.git.encoding import decode, looks_binary

TEXTS = {
    "cp1252": "Größe und Straße, Überprüfung: “déjà vu”, café",
    "iso8859_2": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "cp1250": "Zażółć gęślą jaźń. Proszę zmienić ustawienia",
    "cp1251": "Это документ на русском языке. Чтобы изменить настройки",
    "koi8_r": "Это документ на русском языке. Чтобы изменить настройки",
    "cp1253": "Αυτό είναι ένα έγγραφο. Για να αλλάξετε τις ρυθμίσεις",
    "shift_jis": "これは日本語の文書です。設定を変更するには、次の手順に従ってください。",
    "euc_jp": "これは日本語の文書です。設定を変更するには、次の手順に従ってください。",
    "gb18030": "这是一份中文文档。要更改设置，请按照以下步骤操作。",
    "big5": "這是一份中文文件。要更改設定，請按照以下步驟操作。",
    "euc_kr": "이것은 한국어 문서입니다. 설정을 변경하려면 다음 단계를 따르십시오.",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_in_an_old_encoding_is_read(encoding: str) -> None:
    decoded = decode(TEXTS[encoding].encode(encoding))
    assert decoded.text == TEXTS[encoding]
    assert "a guess" in decoded.note


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_wide_text_is_no_binary(encoding: str) -> None:
    content = "plain words, one é".encode(encoding)
    assert not looks_binary(content)
    assert decode(content).text == "plain words, one é"
    assert decode(content).note


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("# -*- coding: koi8-r -*-\n# привет".encode("koi8_r"), "# -*- coding: koi8-r -*-\n# привет"),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>'.encode("latin-1"),
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>',
        ),
        ('<html><meta charset="windows-1251"><p>да'.encode("cp1251"), '<html><meta charset="windows-1251"><p>да'),
    ],
)
def test_what_a_file_declares_comes_before_a_guess(content: bytes, text: str) -> None:
    decoded = decode(content)
    assert decoded.text == text
    assert "as it declares" in decoded.note


def test_broken_utf8_stays_utf8() -> None:
    decoded = decode("schön, größer, müßig, übel, ".encode() + b"\xff and on")
    assert decoded.text == "schön, größer, müßig, übel, \ufffd and on"
    assert decoded.note == "1 places are not utf-8; they show as \ufffd."


def test_a_mark_at_the_beginning_is_no_text() -> None:
    assert decode("\ufeffé".encode()).text == "é"


@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-16")))
def test_any_bytes_become_text_that_can_be_stored(content: bytes) -> None:
    text = decode(content).text
    text.encode("utf-8")
    assert "\0" not in text
    looks_binary(content)


@given(st.text())
def test_utf8_comes_back_as_it_is(text: str) -> None:
    desired = text.replace("\0", "\ufffd").removeprefix("\ufeff")
    if not looks_binary(text.encode()) and "\0" not in text:
        assert (decode(text.encode()).text, decode(text.encode()).note) == (desired, "")


def test_the_time_to_tell_an_encoding_is_bounded() -> None:
    decode(b"warm up \xe9")
    content = ("Ärger, Übel und Ödnis " * 500_000).encode("latin-1")
    start = time.process_time()
    assert decode(content).text.startswith("Ärger")
    assert time.process_time() - start < 5
