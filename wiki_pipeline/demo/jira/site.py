"""A Jira's content: projects, issues, and what people do to them. The search index sees it later, if it is told to lag.

Each change bumps `updated` as Jira does, by the table of what does and what doesn't; `quiet=True` leaves it, as imports
and apps may. Changes are listeners' business too (`Site.listeners`): the server signs webhooks of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wiki_pipeline.demo.jira.bodies import Adf, Body, as_body

Clock = Callable[[], datetime]
CATEGORIES = {
    "To Do": "new",
    "In Progress": "indeterminate",
    "In Review": "indeterminate",
    "Done": "done",
    "Closed": "done",
}


@dataclass(frozen=True, slots=True)
class Person:
    """An account."""

    account: str
    name: str


@dataclass(slots=True)
class Comment:
    """A comment; `visibility` as (type, value) restricts it, `public` is False for those that only agents see."""

    id: str
    author: Person
    body: Body
    created: datetime
    updated: datetime
    visibility: tuple[str, str] | None = None
    public: bool = True


@dataclass(slots=True)
class Worklog:
    """Time spent."""

    id: str
    author: Person
    started: datetime
    seconds: int
    body: Body | None


@dataclass(slots=True)
class Attachment:
    """A file."""

    id: str
    name: str
    data: bytes
    media_type: str
    author: Person
    created: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One change of one field, as changelogs have it."""

    name: str
    before: str
    after: str


@dataclass(slots=True)
class Project:
    """A project; `archived`: out of search, still to be read by its address; `hidden`: not for the account."""

    id: str
    key: str
    name: str
    archived: bool = False
    hidden: bool = False


@dataclass(eq=False)
class Issue:
    """An issue and what can be done to it."""

    site: Site
    id: str
    project: Project
    number: int
    summary: str
    type: str
    status: str
    created: datetime
    updated: datetime
    reporter: Person
    description: Body | None = None
    assignee: Person | None = None
    priority: str = "Medium"
    labels: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    fix_versions: list[str] = field(default_factory=list)
    parent: Issue | None = None
    sprint: str = ""
    due: str = ""
    points: float | None = None
    security: str = ""
    resolution: str = ""
    resolved: datetime | None = None
    comments: list[Comment] = field(default_factory=list)
    worklogs: list[Worklog] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    links: list[tuple[str, str, str, Issue]] = field(default_factory=list)
    history: list[tuple[str, datetime, Person, list[Item]]] = field(default_factory=list)
    old_keys: list[str] = field(default_factory=list)
    hidden: bool = False
    revision: int = 0

    @property
    def key(self) -> str:
        """`OPS-12`."""
        return f"{self.project.key}-{self.number}"

    def edit(self, *, quiet: bool = False, by: Person | None = None, **changes: Any) -> Issue:
        """Change fields by the names of the attributes; texts of `description` as `bodies.as_body` takes them."""
        items = []
        for name, value in changes.items():
            before = getattr(self, name)
            after = as_body(value) if name == "description" else value
            items.append(Item(name, _shown(before), _shown(after)))
            setattr(self, name, after)
        self._changed(items, by, quiet=quiet)
        return self

    def transition(self, status: str, *, by: Person | None = None) -> Issue:
        """Another status; done ones are resolved."""
        items = [Item("status", self.status, status)]
        self.status = status
        done = CATEGORIES.get(status) == "done"
        if bool(self.resolution) != done:
            items.append(Item("resolution", self.resolution, "Done" if done else ""))
            self.resolution, self.resolved = ("Done", self.site.now()) if done else ("", None)
        self._changed(items, by)
        return self

    def comment(
        self,
        text: Body | Adf | str,
        author: str = "Ada Lovelace",
        *,
        visibility: tuple[str, str] | None = None,
        public: bool = True,
        quiet: bool = False,
    ) -> Comment:
        """Say something."""
        now = self.site.now()
        made = as_body(text)
        if made is None:
            raise ValueError("a comment says something")
        comment = Comment(self.site.next_id(), self.site.person(author), made, now, now, visibility, public)
        self.comments.append(comment)
        self._changed([], comment.author, quiet=quiet, event="comment_created", comment=comment)
        return comment

    def edit_comment(self, comment: Comment, text: Body | Adf | str) -> None:
        """Say it otherwise."""
        comment.body = as_body(text) or comment.body
        comment.updated = self.site.now()
        self._changed([], comment.author, event="comment_updated", comment=comment)

    def delete_comment(self, comment: Comment) -> None:
        """Take it back."""
        self.comments.remove(comment)
        self._changed([], comment.author, event="comment_deleted", comment=comment)

    def log_work(self, seconds: int, text: str = "", author: str = "Ada Lovelace") -> Worklog:
        """Time was spent."""
        log = Worklog(self.site.next_id(), self.site.person(author), self.site.now(), seconds, as_body(text or None))
        self.worklogs.append(log)
        self._changed([Item("timespent", "", str(seconds))], log.author)
        return log

    def attach(self, name: str, data: bytes, media_type: str = "image/png", author: str = "Ada Lovelace") -> Attachment:
        """A file."""
        file = Attachment(self.site.next_id(), name, data, media_type, self.site.person(author), self.site.now())
        self.attachments.append(file)
        self._changed([Item("Attachment", "", name)], file.author)
        return file

    def detach(self, name: str) -> None:
        """Take a file away."""
        self.attachments = [file for file in self.attachments if file.name != name]
        self._changed([Item("Attachment", name, "")], None)

    def link(self, other: Issue, outward: str = "blocks", inward: str = "is blocked by") -> None:
        """A link to another issue, which shows on both and bumps `updated` of neither (the safe reading)."""
        self.links.append((self.site.next_id(), outward, "out", other))
        other.links.append((self.links[-1][0], inward, "in", self))
        self.revision += 1
        other.revision += 1
        self.site.index_later(self)
        self.site.index_later(other)

    def move(self, project: Project) -> Issue:
        """To another project: another key, the same id; the old key still leads here."""
        before = self.key
        self.old_keys.append(before)
        self.project = project
        self.number = self.site.next_number(project)
        self._changed([Item("Key", before, self.key), Item("project", before.split("-")[0], project.key)], None)
        return self

    def delete(self) -> None:
        """For good."""
        self.site.forget(self)

    def hide(self) -> None:
        """The account may no longer see it."""
        self.hidden = True
        self.site.index_later(self)

    def _changed(
        self,
        items: list[Item],
        by: Person | None,
        *,
        quiet: bool = False,
        event: str = "jira:issue_updated",
        comment: Comment | None = None,
    ) -> None:
        now = self.site.now()
        by = by or self.reporter
        if not quiet:
            self.updated = now
        self.revision += 1
        if items:
            self.history.append((self.site.next_id(), now, by, items))
        self.site.index_later(self)
        self.site.tell(event, self, items, comment)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case Body():
            return value.wiki
        case Person():
            return value.name
        case Issue():
            return value.key
        case list():
            return " ".join(str(each) for each in value)
        case _:
            return str(value)


Listener = Callable[[str, Issue, list[Item], Comment | None], None]


class Site:
    """All of a Jira.

    Args:
        clock: tells the time.
        index_lag: how long the search stays behind.
    """

    def __init__(self, clock: Clock = lambda: datetime.now(UTC), index_lag: timedelta = timedelta(0)) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.index_lag = index_lag
        self.projects: dict[str, Project] = {}
        self.issues: dict[str, Issue] = {}
        self.people: dict[str, Person] = {}
        self.listeners: list[Listener] = []
        self.fields: dict[str, tuple[str, str]] = {}
        self._numbers: dict[str, int] = {}
        self._ids = 10_000
        self._last = datetime.min.replace(tzinfo=UTC)
        self._pending: list[tuple[datetime, Issue]] = []
        self._held = False
        self._indexed: dict[str, Indexed] = {}
        self._children: dict[str, list[Issue]] | None = None  # None: to be made again
        self.custom: dict[str, dict[str, Any]] = {}  # values of custom fields by field id and issue id

    def now(self) -> datetime:
        """The time, to the millisecond."""
        moment = self.clock()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def next_id(self) -> str:
        """An id that nothing has."""
        self._ids += 1
        return str(self._ids)

    def next_number(self, project: Project) -> int:
        """The number of a project's next issue."""
        self._numbers[project.key] = self._numbers.get(project.key, 0) + 1
        return self._numbers[project.key]

    def start_numbers(self, key: str, number: int) -> None:
        """Give a project's next issue this number."""
        self._numbers[key] = number - 1

    def project(self, key: str, name: str = "") -> Project:
        """The project of that key; made if there is none."""
        with self.lock:
            if key not in self.projects:
                self.projects[key] = Project(self.next_id(), key, name or key)
            return self.projects[key]

    def person(self, name: str) -> Person:
        """The account of that name."""
        if name not in self.people:
            self.people[name] = Person(name.lower().replace(" ", "."), name)
        return self.people[name]

    def add(
        self, project: str | Project, summary: str, description: Body | Adf | str | None = None, **more: Any
    ) -> Issue:
        """A new issue.

        Args:
            more: attributes of `Issue`; people by their names.
        """
        with self.lock:
            home = project if isinstance(project, Project) else self.project(project)
            now = more.pop("created", None) or self.now()
            people = {
                name: self.person(more.pop(name))
                for name in ("reporter", "assignee")
                if isinstance(more.get(name), str)
            }
            given: dict[str, Any] = {"type": "Task", "status": "To Do", "reporter": self.person("Ada Lovelace")}
            given |= more | people
            issue = Issue(
                site=self,
                id=self.next_id(),
                project=home,
                number=self.next_number(home),
                summary=summary,
                description=as_body(description),
                created=now,
                updated=given.pop("updated", now),
                **given,
            )
            if CATEGORIES.get(issue.status) == "done" and not issue.resolution:
                issue.resolution, issue.resolved = "Done", issue.updated
            self.issues[issue.id] = issue
            self.index_later(issue)
            self.tell("jira:issue_created", issue, [], None)
            return issue

    def custom_field(self, field_id: str, name: str, custom: str, kind: str = "string") -> None:
        """A custom field, as `customfield_10016`, with the type by which apps know it."""
        self.fields[field_id] = (name, f"{kind} {custom}")

    def forget(self, issue: Issue) -> None:
        """Delete an issue."""
        with self.lock:
            self.issues.pop(issue.id, None)
            self.index_later(issue)
            self.tell("jira:issue_deleted", issue, [], None)

    def find(self, name: str) -> Issue | None:
        """By id, key in any case, or a key of before."""
        found = self.issues.get(name)
        if found is not None:
            return found
        key = name.upper()
        for issue in self.issues.values():
            if issue.key == key or key in issue.old_keys:
                return issue
        return None

    def tell(self, event: str, issue: Issue, items: list[Item], comment: Comment | None) -> None:
        """Tell all who listen what happened."""
        for listener in self.listeners:
            listener(event, issue, items, comment)

    # --- the index -----------------------------------------------------------------------------------------------

    def children(self, issue: Issue) -> list[Issue]:
        """The issues below one."""
        if self._children is None:
            made: dict[str, list[Issue]] = {}
            for each in self.issues.values():
                if each.parent is not None:
                    made.setdefault(each.parent.id, []).append(each)
            self._children = made
        return self._children.get(issue.id, [])

    def index_later(self, issue: Issue) -> None:
        """The search will know after the lag."""
        self._children = None
        if not self.index_lag and not self._held:
            self._index(issue)
        else:
            self._pending.append((self.clock() + self.index_lag, issue))

    def pause_index(self) -> None:
        """The search learns nothing more."""
        self._held = True

    def catch_up(self) -> None:
        """The search learns all at once."""
        self._held = False
        for _, issue in self._pending:
            self._index(issue)
        self._pending.clear()

    def _index(self, issue: Issue) -> None:
        if issue.id in self.issues:
            self._indexed[issue.id] = Indexed.of(issue)
        else:
            self._indexed.pop(issue.id, None)

    def indexed(self) -> Iterable[Indexed]:
        """What the search knows now."""
        if not self._held and self._pending:
            now = self.clock()
            due = [issue for at, issue in self._pending if at <= now]
            self._pending = [(at, issue) for at, issue in self._pending if at > now]
            for issue in due:
                self._index(issue)
        return self._indexed.values()


@dataclass(frozen=True, slots=True)
class Indexed:
    """An issue as the search knows it."""

    id: str
    created: datetime
    updated: datetime
    facts: dict[str, Any]

    @classmethod
    def of(cls, issue: Issue) -> Indexed:
        """An issue as it is now."""
        names = [issue.assignee.name, issue.assignee.account] if issue.assignee else []
        facts: dict[str, Any] = {
            "key": [issue.key, issue.id, *issue.old_keys],
            "id": [issue.id],
            "project": [issue.project.key, issue.project.name, issue.project.id],
            "status": [issue.status],
            "statuscategory": [CATEGORIES.get(issue.status, "indeterminate")],
            "issuetype": [issue.type],
            "priority": [issue.priority],
            "resolution": [issue.resolution or "Unresolved"] if issue.resolution else [],
            "assignee": names,
            "reporter": [issue.reporter.name, issue.reporter.account],
            "labels": list(issue.labels),
            "component": list(issue.components),
            "fixversion": list(issue.fix_versions),
            "version": [],
            "sprint": [issue.sprint] if issue.sprint else [],
            "parent": [issue.parent.key, issue.parent.id] if issue.parent else [],
            "level": [issue.security] if issue.security else [],
            "attachments": [file.name for file in issue.attachments],
            "summary": [issue.summary],
            "text": [issue.summary, issue.description.wiki if issue.description else ""],
            "created": issue.created,
            "updated": issue.updated,
            "resolved": issue.resolved,
        }
        return cls(issue.id, issue.created, issue.updated, facts)
