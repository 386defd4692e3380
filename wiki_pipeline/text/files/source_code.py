"""Files of a repository that are kept as they are: source code, configuration and plain text."""

from __future__ import annotations

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.page import finished

_LANGUAGE_TYPE = "text/x-"


def clean_code(raw: RawPage, known: Known) -> CleanPage:
    """Source code, configuration, plain text: the text itself, its lines as they are; `text` as language if none."""
    language = raw.media_type.removeprefix(_LANGUAGE_TYPE) if raw.media_type.startswith(_LANGUAGE_TYPE) else "text"
    return finished(raw, raw.body.replace("\r\n", "\n"), title=raw.path, code_language=language)
