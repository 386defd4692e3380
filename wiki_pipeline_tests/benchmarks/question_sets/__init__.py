"""Sets of questions over documents that this project never wrote: public repositories' files, beside this repository.

Each is read from `../shared/corpus/OWNER+NAME` (or the folder that WIKI_PIPELINE_CORPUS names); a set whose files are
not there is left out. What is tuned on and what is only judged by is said of each set, and stays so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wiki_pipeline_tests.benchmarks.measure import ROOT
from wiki_pipeline_tests.benchmarks.question_sets import abstracts, documentation, source_code, translated
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet

CORPUS = Path(os.environ.get("WIKI_PIPELINE_CORPUS") or ROOT.parent / "shared" / "corpus")


def question_sets() -> Iterator[QuestionSet]:
    """Those whose files are there, the one for tuning first."""
    for folder, read in (
        ("fastapi+fastapi", translated.fastapi),
        ("withastro+docs", translated.astro),
        ("anthropics+anthropic-cookbook", documentation.claude),
        ("anthropics+anthropic-cookbook", source_code.libraries),
        ("feroshjacob+cranfield", abstracts.cranfield),
    ):
        if (CORPUS / folder).is_dir():
            yield read(CORPUS / folder)
