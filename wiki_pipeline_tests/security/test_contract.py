"""The interface is what its OpenAPI page says, whatever is sent."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import SITE, SPECIFICATION, bring, serving
from wiki_pipeline_tests.gateway.documents import PAGES, SPACE
from wiki_pipeline_tests.security.contract import SECRET, TOKEN, asked


@pytest.mark.timeout(600)
def test_what_the_page_says_is_what_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("WIKI_PIPELINE_GIT_WEBHOOK_SECRET", SECRET)
    settings = load(GatewaySettings, home=tmp_path, gateway_port=0, api_tokens=TOKEN)
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, SPECIFICATION, "Engineering", f"{SITE}/spaces/ENG")
        bring(pipeline, SPACE, PAGES)
    with serving(settings) as url:
        found = asked(url, examples=15)
        assert found.wrong == {}, "\n\n".join(f"{where}: {what}" for where, what in found.wrong.items())
        assert found.sent > 200
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
            assert client.get("/v1/jobs", params={"source": "nowhere"}).status_code == 404
            assert client.post("/v1/events/retry", json={"event_ids": [2**53]}).status_code == 422
            broken = client.post("/v1/events/retry", content=b"\xff", headers={"content-type": "application/json"})
            assert (broken.status_code, broken.json()["error"]["code"]) == (400, "bad_request")
            documented = client.get("/openapi.json").json()["paths"]
    assert "404" in documented["/v1/jobs"]["get"]["responses"]
    assert "400" in documented["/v1/events/retry"]["post"]["responses"]
