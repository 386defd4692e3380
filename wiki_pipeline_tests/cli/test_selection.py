from __future__ import annotations

import pytest

from wiki_pipeline.cli.selection import one, select
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey

ENG = SourceKey("default", "confluence", "ENG")
DOCS = SourceKey("default", "confluence", "docs")
REPO = SourceKey("default", "git", "org/repo")
OTHER_DOCS = SourceKey("default", "git", "docs")
KNOWN = [ENG, DOCS, REPO, OTHER_DOCS]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ([], KNOWN),
        (["all"], KNOWN),
        (["git"], [REPO, OTHER_DOCS]),
        (["ENG"], [ENG]),
        (["org/repo", "ENG"], [REPO, ENG]),
        (["git:docs"], [OTHER_DOCS]),
        (["default:confluence:docs"], [DOCS]),
        (["ENG", "confluence"], [ENG, DOCS]),
    ],
)
def test_sources_are_meant_by_key_name_kind_or_all(asked: list[str], meant: list[SourceKey]) -> None:
    assert select(KNOWN, asked) == meant


def test_a_name_that_two_sources_have_is_refused_with_both() -> None:
    with pytest.raises(ConfigurationError, match="may mean default:confluence:docs or default:git:docs"):
        one(KNOWN, "docs")


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"no source 'nope'\. There are: default:confluence:ENG, "):
        select(KNOWN, ["ENG", "nope"])
