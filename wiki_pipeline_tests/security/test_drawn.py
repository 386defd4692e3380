"""A little of what `make attack` draws at random, the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pytest

from wiki_pipeline.sources.git.reach import is_public
from wiki_pipeline_tests.security.contract import SECRET
from wiki_pipeline_tests.security.forgeries import answers, broken, post
from wiki_pipeline_tests.security.gateways import Gateway, gateway
from wiki_pipeline_tests.security.strings import is_safe, markdown, not_public

pytestmark = pytest.mark.security


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    secrets = {"CONFLUENCE_WEBHOOK_SECRET": SECRET, "WIKI_PIPELINE_GIT_WEBHOOK_SECRET": SECRET}
    with gateway(tmp_path_factory.mktemp("home"), secrets) as made:
        yield made


def test_no_address_inside_is_public() -> None:
    source = random.Random(9)
    assert [address for address in (not_public(source) for _ in range(1_000)) if is_public(address)] == []


def test_no_page_runs() -> None:
    source = random.Random(9)
    assert [text for text in (markdown(source) for _ in range(40)) if not is_safe(text)] == []


def test_no_forged_signature_is_taken(served: Gateway) -> None:
    assert set(post(served, random.Random(9), 60)) == {401}


def test_no_broken_request_is_too_much(served: Gateway) -> None:
    source = random.Random(9)
    told = answers(served, (broken(source) for _ in range(100)))
    assert told.total() == 100
    assert max(told) < 500, told
    assert httpx.get(f"{served.url}/livez", trust_env=False).status_code == 200
