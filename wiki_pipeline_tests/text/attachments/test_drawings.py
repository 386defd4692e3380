"""The words of drawings, each kind as its program keeps it, and those that mean harm."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from wiki_pipeline.text.attachments import ExtractionLimits, Extractor, media_type_of
from wiki_pipeline.text.attachments.media import BPMN, DRAWIO, EXCALIDRAW, GLIFFY, SVG
from wiki_pipeline_tests.text.confluence.pages import converted, macro

pytestmark = [pytest.mark.integration, pytest.mark.security]

_CELLS = (
    '<mxGraphModel><root><mxCell id="0"/><mxCell value="&lt;b&gt;Pump&lt;/b&gt;&lt;br&gt;house" vertex="1"/>'
    '<UserObject label="Valve &amp;amp; pipe"><mxCell/></UserObject><mxCell value="Pump house"/></root></mxGraphModel>'
)


def packed(text: str) -> str:
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(quote(text, safe="").encode()) + packer.flush()).decode()


GLIFFY_FILE = {
    "contentType": "application/gliffy+json",
    "stage": {"objects": [{"graphic": {"Text": {"html": "<p>Crane <b>one</b></p>"}}, "children": [{"html": "Berth"}]}]},
}
EXCALIDRAW_FILE = {
    "type": "excalidraw",
    "elements": [{"type": "text", "text": "Harbour\nmaster"}, {"type": "text", "text": "old", "isDeleted": True}],
}
PROCESS = (
    '<?xml version="1.0"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process>'
    '<bpmn:task name="Moor the ship"><bpmn:documentation>At slack water</bpmn:documentation></bpmn:task>'
    "</bpmn:process></bpmn:definitions>"
)
DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg"><title>Tides</title><text>High <tspan>water</tspan></text>'
    "<style>a{}</style></svg>"
)

FILES = {
    "plain drawio": (f"<mxfile><diagram>{_CELLS}</diagram></mxfile>", DRAWIO, "- Pump house\n\n- Valve & pipe"),
    "packed drawio": (
        f"<mxfile><diagram>{packed(_CELLS)}</diagram></mxfile>",
        DRAWIO,
        "- Pump house\n\n- Valve & pipe",
    ),
    "two pages": (
        f'<mxfile><diagram name="One">{_CELLS}</diagram><diagram name="Two">{packed(_CELLS)}</diagram></mxfile>',
        DRAWIO,
        "## One\n\n- Pump house\n\n- Valve & pipe\n\n## Two\n\n- Pump house\n\n- Valve & pipe",
    ),
    "gliffy": (json.dumps(GLIFFY_FILE), GLIFFY, "- Crane one\n\n- Berth"),
    "excalidraw": (json.dumps(EXCALIDRAW_FILE), EXCALIDRAW, "- Harbour master"),
    "bpmn": (PROCESS, BPMN, "- Moor the ship\n\n- At slack water"),
    "svg": (DRAWN, SVG, "- Tides\n\n- High water"),
}


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    extractor = Extractor(ExtractionLimits(seconds=20, characters=20_000))
    yield extractor
    extractor.close()


@pytest.mark.parametrize("name", FILES)
def test_a_drawing_s_words_are_its_text(extractor: Extractor, name: str) -> None:
    data, media_type, text = FILES[name]
    assert media_type_of(data.encode(), "rig") == media_type
    found = extractor.extract(data.encode(), media_type)
    assert (found.text, found.notes) == (text, ())


_ENTITIES = '<!DOCTYPE mxfile [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "media_type", "said"),
    [
        (f"<mxfile><diagram>{packed('a' * 21_000_000)}</diagram></mxfile>", DRAWIO, "larger inside"),
        ("<mxfile><diagram>no base64!</diagram></mxfile>", DRAWIO, "damaged"),
        ("<mxfile><diagram>", DRAWIO, "damaged"),
        ("<mxfile>" + "<a>" * 100_000, DRAWIO, "damaged"),
        ("[" * 100_000, GLIFFY, ""),
        ('{"type": "excalidraw", "elements": 3}', EXCALIDRAW, "damaged"),
        ("<svg>" + "".join(f"<text>w{n}</text>" for n in range(20_001)) + "</svg>", SVG, ""),
    ],
)
def test_a_hostile_drawing_has_no_text_and_harms_none_of_the_others(
    extractor: Extractor, data: str, media_type: str, said: str
) -> None:
    found = extractor.extract(data.encode(), media_type)
    assert said in " ".join(found.notes)
    assert found.notes
    assert extractor.extract(DRAWN.encode(), SVG).text == "- Tides\n\n- High water"


def test_entities_of_a_drawing_stay_closed(extractor: Extractor) -> None:
    data = f'{_ENTITIES}<mxfile><diagram><mxCell value="x"/><mxCell>&b;</mxCell></diagram></mxfile>'
    assert extractor.extract(data.encode(), DRAWIO).text == "- x"


def test_the_file_behind_a_drawing_s_picture_belongs_to_the_page() -> None:
    page = converted(macro("drawio", diagramName="rig"))
    targets = [link.target.rpartition("/")[2].partition("?")[0] for link in page.links]
    assert targets == ["rig", "rig.png"]
    assert page.markdown.count("](") == 1
