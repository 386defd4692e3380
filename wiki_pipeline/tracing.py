"""Spans around what takes time: fetch, embed, commit, search, answer. OpenTelemetry's interface and no more.

They go nowhere, and cost nothing, until somebody wants them: the extra `telemetry` and OTEL_EXPORTER_OTLP_ENDPOINT have
this program send them; another program that has set up OpenTelemetry around it gets them as its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import ParamSpec, TypeVar

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def configure(service: str) -> bool:
    """Send spans to where OTEL_EXPORTER_OTLP_ENDPOINT says; whether they are sent.

    Args:
        service: this process's name among others, unless OTEL_SERVICE_NAME gives one.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return False
    with suppress(ImportError):  # without the extra: said by `wiki-pipeline doctor`
        from opentelemetry import trace  # noqa: PLC0415 - a fifth of a second that few need
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        if isinstance(trace.get_tracer_provider(), TracerProvider):
            return True
        name = os.environ.get("OTEL_SERVICE_NAME", service)
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        return True
    return False


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[None]:
    """What happens inside is one span; an error that leaves it is recorded. Attributes hold no text of documents."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None or not trace.get_tracer_provider().__class__.__module__.startswith("opentelemetry.sdk"):
        yield
        return
    with trace.get_tracer("wiki_pipeline").start_as_current_span(name, attributes=attributes):
        yield


def traced(name: str) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Have each call of a function be a span."""

    def around(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(function)
        def call(*args: Arguments.args, **kw: Arguments.kwargs) -> Result:
            with span(name):
                return function(*args, **kw)

        return call

    return around
