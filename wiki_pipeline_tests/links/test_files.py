"""The quick test for addresses that may mean a file lets through all that a look-up finds."""

from __future__ import annotations

import pyarrow as pa

from wiki_pipeline.links.files import may_mean_files


def test_downloads_lists_and_relative_paths_may_mean_files_and_other_addresses_do_not() -> None:
    files = [
        "https://x.atlassian.net/wiki/download/attachments/42/a.pdf", "https://c.corp/download/thumbnails/42/a.png",
        "https://c.corp/pages/viewpageattachments.action?pageId=42", "docs/a.png", "../a.png", "/a.png",
    ]  # fmt: skip
    others = ["https://x.atlassian.net/wiki/spaces/ENG/pages/42", "mailto:a@b.c", "#part", "//host/a.png"]
    assert may_mean_files(pa.array(files + others)).to_pylist() == [True] * len(files) + [False] * len(others)
