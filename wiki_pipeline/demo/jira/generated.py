"""Projects of any size, made up: the same for the same numbers."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from wiki_pipeline.demo.confluence.vocabulary import ADJECTIVES, NOUNS, VERBS
from wiki_pipeline.demo.jira import bodies
from wiki_pipeline.demo.jira.site import Site

_TYPES = ("Bug", "Task", "Story")
_STATUSES = ("To Do", "In Progress", "Done", "Done")
_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


def generate_issues(site: Site, key: str, issues: int, seed: int = 0) -> None:
    """Fill a project with issues of some 120 words and up to three comments."""
    drawn = random.Random(seed)
    project = site.project(key)
    for number in range(issues):
        text = bodies.body(
            bodies.heading("What happens"),
            *(" ".join(_sentence(drawn) for _ in range(3)) for _ in range(2)),
            bodies.items(*(_sentence(drawn) for _ in range(3))),
        )
        moment = _BEGINNING + timedelta(minutes=7 * number)
        issue = site.add(
            project,
            _sentence(drawn)[:90].rstrip("."),
            text,
            type=drawn.choice(_TYPES),
            status=drawn.choice(_STATUSES),
            created=moment,
            updated=moment,
        )
        for _ in range(drawn.randrange(4)):
            issue.comment(_sentence(drawn), drawn.choice(("Ada Lovelace", "Grace Hopper", "Alan Turing")), quiet=True)


def _sentence(drawn: random.Random) -> str:
    adjective, noun, verb, other = (drawn.choice(words) for words in (ADJECTIVES, NOUNS, VERBS, NOUNS))
    return f"The {adjective} {noun} has to {verb} the {other} before week {drawn.randrange(1, 53)}, or it is lost."
