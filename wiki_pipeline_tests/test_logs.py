"""Log lines for programs, and spans."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_tracer_provider

from wiki_pipeline.logs import JsonFormatter, about, context
from wiki_pipeline.tracing import span, traced


def test_a_line_is_one_object_and_says_what_it_is_about() -> None:
    with context(run_id="r", source=""), context(request_id="q"), ThreadPoolExecutor(1) as pool:
        record = logging.LogRecord("room", logging.WARNING, "f", 1, "two\nlines of %s", ("Ödön",), None)
        line = JsonFormatter().format(record)
        assert pool.submit(copy_context().run, about).result() == {"run_id": "r", "request_id": "q"}
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["level"], told["logger"]) == ("two\nlines of Ödön", "warning", "room")
    assert (told["run_id"], told["request_id"]) == ("r", "q")
    assert about() == {}


def test_json_takes_the_place_of_text_and_tracebacks_are_one_line() -> None:
    program = (
        "import logging\n"
        "from wiki_pipeline.logs import configure\n"
        "configure('json'); configure('json')\n"
        "try:\n"
        "    1 / 0\n"
        "except ZeroDivisionError:\n"
        "    logging.getLogger('x').exception('failed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert "ZeroDivisionError" in json.loads(line)["error"]


def test_spans_go_to_who_set_up_opentelemetry_and_cost_no_import_otherwise() -> None:
    program = "import sys; from wiki_pipeline.tracing import *\nwith span('x'): pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "opentelemetry" not in done.stdout
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    set_tracer_provider(provider)

    @traced("answer")
    def answer(question: str) -> str:
        with span("search", mode="hybrid"):
            return question

    assert answer("q") == "q"
    inner, outer = exporter.get_finished_spans()
    assert (inner.name, outer.name, dict(inner.attributes or {})) == ("search", "answer", {"mode": "hybrid"})
    assert inner.parent is not None
