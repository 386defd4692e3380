"""Where the text of an included page stands, and how much a page may include over all of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from wiki_pipeline.text.known import Included

# Two pages that each include the next one twice would double the text at every step.
MAX_STEPS = 20
MAX_PAGES = 200
MAX_CHARACTERS = 4_000_000


@dataclass(slots=True)
class Allowance:
    """How much more one page may include, over all of its includes."""

    pages: int = MAX_PAGES
    characters: int = MAX_CHARACTERS

    def spend(self, found: Included) -> bool:
        """Whether a page fits in; takes it off if it does."""
        size = len(found.page.body)
        if not self.pages or size > self.characters:
            return False
        self.pages -= 1
        self.characters -= size
        return True


@dataclass(frozen=True, slots=True)
class Including:
    """Where a writer stands: the addresses of the pages around its text, outermost first, and what is allowed still."""

    around: tuple[str, ...] = ()
    allowance: Allowance = field(default_factory=Allowance)
