"""Jira: what its addresses and the keys of its issues mean, and how they are written. Nothing else knows their forms.

`Site`           the root of a site, and what is below it
`read_target`    what an address means that people hand in
`SYSTEM`         keys of issues, and of what addresses in pages mean; an issue that moved keeps its old keys
`issue_keys`     the keys in running text
`query_of`       the query that an address of a list of issues holds
`file_place`     which attachment an address means
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, Self
from urllib.parse import SplitResult, parse_qs, quote, unquote

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links import confluence
from wiki_pipeline.links.confluence import FilePlace
from wiki_pipeline.links.keys import LinkKey, Meaning, Record
from wiki_pipeline.links.web import PORTS, WebAddress, split, split_checked

PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,254}")
ISSUE_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,254}-[1-9][0-9]{0,9}")
ISSUE_ID = re.compile(r"[0-9]{1,19}")
ALIAS = "alias="
"""What facets that name an issue's keys of before begin with."""

_GATEWAY = re.compile(r"/ex/jira/[A-Za-z0-9-]+")
_TEXT_KEY = re.compile(r"(?<![\w/.#&=-])([A-Z][A-Z0-9_]+)-([1-9][0-9]{0,9})(?![\w-]|\.\w)")
# Begins with what must be there, which is found fastest; before it stands no other letter.
_MAY_BE_KEY = re.compile(r"[A-Z](?<![A-Za-z0-9_]{2})[A-Z0-9_]{0,254}-[1-9][0-9]{0,9}(?![A-Za-z0-9_])")
_MOST_LOOKED_AT = 1_000
_CONTEXT = r"(?P<context>/(?:[^/]+/)*?)"
_TARGET = (
    r"(?:"
    r"(?:browse|issues)/(?P<issue>[A-Za-z][A-Za-z0-9_]*-[0-9]+)"
    r"|browse/(?P<browsed>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?:jira/[a-z]+/(?:c/)?)?projects/(?P<project>[A-Za-z][A-Za-z0-9_]*)"
    r"(?:/(?:issues|queues/[^/]+)/(?P<within>[A-Za-z][A-Za-z0-9_]*-[0-9]+))?(?:/.*)?"
    r")/?"
)
_BELOW_ROOT = re.compile(rf"/*{_TARGET}")
_PLACE = re.compile(_CONTEXT + _TARGET)
_LIST = re.compile(_CONTEXT + r"issues/?")
_FILE = re.compile(_CONTEXT + r"secure/attachment/(?P<id>[0-9]{1,19})/(?P<name>[^/]+)")
_ROOT = re.compile(r"https?://[^/?#]+(?P<context>/(?:[^/?#]+/)*?)browse/(?P<key>[^/?#]+)")
MAY_BE_ISSUES = "/browse/"
"""Found in every address of an issue as it is written here."""
MAY_MEAN_ISSUES = r"/browse/|/issues/|selectedIssue="
"""Found in every address that means an issue, and in few others."""
MAY_BE_FILES = r"/secure/attachment/[0-9]"
"""Found in every address that `file_place` reads, and in hardly any other."""


@dataclass(frozen=True, slots=True)
class Site(confluence.Site):
    """A Jira site: scheme, host, port, and the context path below which it lives (often none)."""

    @classmethod
    def parse(cls, address: str) -> Self:
        """The site whose root people wrote; on Cloud whatever page of it was copied.

        Raises:
            ConfigurationError: not an http(s) address, or one with a user name, query or fragment.
        """
        parts = split_checked(address.strip())
        if parts is None:
            raise ConfigurationError("It is not an address as https://yourcompany.atlassian.net.")
        if parts.username is not None or parts.query or parts.fragment:
            raise ConfigurationError(
                "An address of Jira has no user name, password, query or fragment; "
                "credentials go into JIRA_USERNAME and JIRA_TOKEN."
            )
        host, context = str(parts.hostname), parts.path.rstrip("/")
        if host.endswith(".atlassian.net"):
            context = ""
        elif host == "api.atlassian.com" and (gateway := _GATEWAY.match(context)):
            context = gateway[0]
        return cls(parts.scheme, host, parts.port or PORTS[parts.scheme], context)

    @property
    def is_cloud(self) -> bool:
        """Whether the address alone says that this is Cloud."""
        return self.host.endswith(".atlassian.net") or bool(_GATEWAY.fullmatch(self.context))

    @property
    def datasource_prefix(self) -> str:
        """The site's part of the ids in the HTTP interface, as `src_jira___yourcompany_atlassian_net`."""
        netloc = self.origin.partition("://")[2]
        return "src_jira___" + re.sub(r"[^A-Za-z0-9]", "_", netloc)


class Target(NamedTuple):
    """What an address of a site means: a project, or an issue of it."""

    project: str
    key: str = ""


def read_target(parts: SplitResult) -> Target:
    """What an address means that somebody hands in, given from its site's root on (`Site.below`).

    Raises:
        ConfigurationError: it names neither a project nor an issue.
    """
    found = _BELOW_ROOT.fullmatch(parts.path)
    target = _target(found, parts.query) if found else None
    if target is None:
        raise ConfigurationError(
            "This address names neither a project nor an issue.",
            "Open the issue or the project in the browser and copy the address from there.",
        )
    return target


def _target(found: re.Match[str], query: str) -> Target | None:
    key = (found["issue"] or found["within"] or "").upper()
    if not key and "selectedIssue=" in query:
        key = parse_qs(query).get("selectedIssue", [""])[0].upper()
    if key:
        return Target(key.rpartition("-")[0], key) if ISSUE_KEY.fullmatch(key) else None
    project = (found["browsed"] or found["project"] or "").upper()
    return Target(project) if PROJECT_KEY.fullmatch(project) else None


# --- keys --------------------------------------------------------------------------------------------------------


class _Jira:
    """See `links.keys.System`: issues by their keys, of which the case does not count."""

    def keys_of(self, document: Record) -> Sequence[LinkKey]:
        """See `System.keys_of`."""
        if document.path or "/browse/" not in document.url:
            return ()
        root = _ROOT.fullmatch(document.url)
        if root is None or not ISSUE_KEY.fullmatch(root["key"]):
            return ()
        site = _site(document.url[: root.start("key")])
        if not site:
            return ()
        former = (facet.removeprefix(ALIAS) for facet in document.facets if facet.startswith(ALIAS))
        keys = (root["key"], *former)
        return (*(LinkKey(_issues(site), key) for key in keys), LinkKey(_project(site, document.space_key)))

    def meanings(self, address: WebAddress) -> Sequence[Meaning]:
        """See `System.meanings`: one, or none."""
        found = _PLACE.fullmatch(address.path)
        target = _target(found, address.query) if found else None
        if found is None or target is None:
            return ()
        site = f"{address.host}{found['context']}"
        return (Meaning(LinkKey(_issues(site), target.key) if target.key else LinkKey(_project(site, target.project))),)


SYSTEM = _Jira()


@lru_cache(maxsize=64)
def _site(place: str) -> str:
    """Host and context path of `https://HOST/CONTEXT/browse/`; many thousands of issues have the same."""
    address = split(f"{place}X-1")
    return f"{address.host}{address.path.removesuffix('browse/X-1')}" if address else ""


def issue_meant(target: str) -> LinkKey | None:
    """The issue that an address means; None if it means none."""
    address = split(target)
    key = next((meaning.key for meaning in SYSTEM.meanings(address)), None) if address else None
    return key if key and key.name else None


def _issues(site: str) -> str:
    """`site`: host and context path, without scheme, as `example.atlassian.net/`."""
    return f"jira:{site}"


def _project(site: str, project: str) -> str:
    return f"jira:{site}:project:{project}"


def root_of(address: str) -> str:
    """The root of the site that an address is of: that of an issue, or of the site itself."""
    return address.partition("/browse/")[0].rstrip("/")


def project_address(root: str, project: str) -> str:
    """The address of a project, below its site's root."""
    return issue_address(root, project)


def issue_address(root: str, key: str) -> str:
    """The address of an issue, below its site's root."""
    return f"{root.rstrip('/')}/browse/{key}"


def issue_keys(text: str, projects: Collection[str]) -> list[str]:
    """The keys of issues of some projects that a text names, in order, with repetitions."""
    return [found[0] for found in _TEXT_KEY.finditer(text) if found[1] in projects]


def may_be_keys(text: str, most: int) -> list[str]:
    """What may be keys of issues in a text or its addresses, in order, each once: more than are meant as such."""
    found = dict.fromkeys(found[0] for found in islice(_MAY_BE_KEY.finditer(text), _MOST_LOOKED_AT))
    return list(found)[:most]


def may_be_projects(text: str, most: int) -> list[str]:
    """The projects of those, in order, each once."""
    found = dict.fromkeys(found[0].rpartition("-")[0] for found in _MAY_BE_KEY.finditer(text))
    return list(found)[:most]


def key_in_text(projects: Collection[str]) -> re.Pattern[str]:
    """What finds keys of issues of some projects in running text."""
    names = "|".join(re.escape(project) for project in sorted(projects, key=len, reverse=True))
    return re.compile(rf"(?<![\w/.#&=-])(?:{names})-[1-9][0-9]{{0,9}}(?![\w-]|\.\w)")


# --- lists of issues ---------------------------------------------------------------------------------------------


def query_address(root: str, jql: str) -> str:
    """The address of the list of issues that a query finds."""
    return f"{root.rstrip('/')}/issues/?jql={quote(jql, safe='')}"


def query_of(target: str) -> tuple[str, str] | None:
    """The site's root and the query of such an address; None if it is none."""
    if "/issues/?" not in target:
        return None
    address = split(target)
    found = _LIST.fullmatch(address.path) if address else None
    jql = parse_qs(address.query).get("jql", [""])[0] if address and found else ""
    return (target.partition("issues/?")[0].rstrip("/"), jql) if jql else None


# --- attachments -------------------------------------------------------------------------------------------------


def attachment_address(root: str, issue_id: str, attachment_id: str, name: str) -> str:
    """Where people open a file. Whose it is stands behind it: a server is not sent that, and doesn't say it."""
    return f"{root.rstrip('/')}/secure/attachment/{attachment_id}/{quote(name, safe='')}#issue={issue_id}"


def file_place(address: WebAddress) -> FilePlace | None:
    """The file that such an address means."""
    found = _FILE.fullmatch(address.path)
    if found is None or not address.fragment.startswith("issue="):
        return None
    name = f"{found['id']}/{unquote(found['name'])}"
    return FilePlace(f"jira:{address.host}{found['context']}", address.fragment.removeprefix("issue="), name)
