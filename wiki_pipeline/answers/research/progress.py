"""How far research is: nothing but what its events say, so that any process can go on from them.

Each event that counts was written in one transaction when what it tells was done. What a process was in the middle of
when it was killed left no such event, and is done again; what was done is kept.

| event | tells | holds |
| --- | --- | --- |
| `begun` | what is looked through, and by whom | `method`, `model`, `searched`, `limits` |
| `step` | what is being done, for those who watch | `step`, `message`; `question` or `section` |
| `plan` | the sub-questions | `questions`, `by` |
| `looked` | a sub-question was looked up | `step`, `citations` that it issued |
| `gaps` | what is still open, and what is looked up for it | `open`, `questions` |
| `contradictions` | where sources don't agree | `found` |
| `text` | a piece of a section, as a model writes it | `pieces` |
| `section` | a section is there; of the summary, `question` is empty | `section` |
| `note` | something to know | `code`, `message` |
| `resumed` | another process goes on | |
| `done` | the end | `status`, `report` |

Events that count also hold `seconds` and `usage`, both since the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from wiki_pipeline.answers import cite
from wiki_pipeline.answers.answer import Method, Note
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.llm import Usage
from wiki_pipeline.answers.research.plan import searchable
from wiki_pipeline.answers.research.report import (
    Contradiction,
    Looked,
    Section,
    SubQuestion,
    contradiction_from_json,
    looked_from_json,
    question_from_json,
    section_from_json,
)
from wiki_pipeline.answers.retrieve import Searched
from wiki_pipeline.catalog import StreamEvent


@dataclass
class Progress:
    """What is done.

    Attributes:
        citations: issued so far, by id.
        gap_checks: how many there were.
        no_gaps: the last of them found nothing more to look up.
        contradictions: None until they were looked for.
        summary: None until it is there.
        usage: of the model, since the beginning.
        seconds: since the beginning, interruptions left out.
    """

    begun: bool = False
    method: Method = Method.PASSAGES
    model: str = ""
    searched: tuple[Searched, ...] = ()
    questions: list[SubQuestion] = field(default_factory=list)
    planned_by: str = ""
    looked: list[Looked] = field(default_factory=list)
    citations: dict[str, Citation] = field(default_factory=dict)
    gap_checks: int = 0
    no_gaps: bool = False
    contradictions: list[Contradiction] | None = None
    sections: dict[str, Section] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    usage: Usage | None = None
    seconds: float = 0.0

    def take(self, event: str, data: Any) -> None:
        """Take in what an event tells. Those that only watchers need change nothing."""
        if not isinstance(data, dict):
            return
        self.seconds = max(self.seconds, float(data.get("seconds", 0.0)))
        if used := data.get("usage"):
            self.usage = Usage(**used)
        match event:
            case "begun":
                self.begun = True
                self.method, self.model = Method(data["method"]), data["model"]
                self.searched = tuple(Searched(**one) for one in data["searched"])
            case "plan":
                self.questions += map(question_from_json, data["questions"])
                self.planned_by = data["by"]
            case "looked":
                self.looked.append(looked_from_json(data["step"]))
                self.citations |= cite.by_id(map(cite.from_json, data["citations"]))
            case "gaps":
                self.gap_checks += 1
                self.no_gaps = not data["questions"]
                known = {question.id for question in self.questions}
                again = {question.id: question for question in map(question_from_json, data["questions"])}
                self.questions = [again.get(question.id, question) for question in self.questions]
                self.questions += [question for name, question in again.items() if name not in known]
            case "contradictions":
                self.contradictions = list(map(contradiction_from_json, data["found"]))
            case "section":
                section = section_from_json(data["section"])
                self.sections[section.question] = section
            case "note":
                note = Note(data["code"], data["message"])
                if note not in self.notes:
                    self.notes.append(note)
            case _:
                pass

    @classmethod
    def of(cls, events: Iterable[StreamEvent]) -> Progress:
        """What these events tell."""
        progress = cls()
        for event in events:
            progress.take(event.event, event.data)
        return progress

    # --- what follows from it ---

    def steps_of(self, question: SubQuestion) -> list[Looked]:
        """The steps in which a sub-question was looked up."""
        return [step for step in self.looked if step.question == question.id]

    def evidence(self, question: SubQuestion) -> list[Citation]:
        """What was found for a sub-question, best first."""
        names = dict.fromkeys(name for step in self.steps_of(question) for name in step.kept)
        return [self.citations[name] for name in names if name in self.citations]

    def is_answered(self, question: SubQuestion) -> bool:
        """Whether something that was found answers it."""
        return any(step.answers for step in self.steps_of(question))

    @property
    def next_open(self) -> SubQuestion | None:
        """The next sub-question to look up: one that was not yet, or that a gap check gave new words for."""
        for question in self.questions:
            steps = self.steps_of(question)
            tried = {query for step in steps for query in step.queries}
            if not steps or any(query and query not in tried for query in map(searchable, question.queries)):
                return question
        return None


@dataclass
class Recorder:
    """Writes events, and keeps the progress in step with them.

    Attributes:
        emit: writes one durably; returns once that is done.
        clock: seconds since the beginning, interruptions left out.
    """

    progress: Progress
    emit: Callable[[str, Any], None]
    clock: Callable[[], float]

    def tell(self, step: str, message: str, **more: Any) -> None:
        """Say what is being done, to those who watch."""
        self.emit("step", {"step": step, "message": message, **more})

    def done(self, event: str, usage: Usage | None = None, **data: Any) -> None:
        """Record what was done.

        Args:
            usage: what it took of the model.
        """
        total = self.progress.usage
        if usage is not None:
            total = total.plus(usage) if total else usage
        facts = {
            **data,
            "seconds": round(self.clock(), 2),
            "usage": asdict(total) if total else None,
        }
        self.emit(event, facts)
        self.progress.take(event, facts)

    def note(self, note: Note) -> None:
        """Record something that readers have to know, once."""
        if note not in self.progress.notes:
            self.emit("note", asdict(note))
            self.progress.take("note", asdict(note))
