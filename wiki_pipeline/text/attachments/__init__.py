"""Files that hang on documents: what they are by their bytes, and the text of PDF and Word files and of drawings.

Strangers' files are only ever opened in a process of its own (`reader.py`), which is bounded in time and memory and
has nothing to lose.
"""

from __future__ import annotations

from wiki_pipeline.text.attachments.extract import CODE_VERSION, Extracted, ExtractionLimits, Extractor
from wiki_pipeline.text.attachments.media import DISPLAYED, DRAWINGS, UNKNOWN, media_type_by_name, media_type_of

__all__ = [
    "CODE_VERSION",
    "DISPLAYED",
    "DRAWINGS",
    "UNKNOWN",
    "Extracted",
    "ExtractionLimits",
    "Extractor",
    "media_type_by_name",
    "media_type_of",
]
