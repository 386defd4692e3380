"""Push events as GitHub and GitLab send them; Gitea and Forgejo send GitHub's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, PayloadError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.webhook import (
    Delivery,
    ParsedDelivery,
    Reader,
    check_hmac,
    check_token,
    delivery_id,
    parse_object,
    require_secret,
)

_KIND = "git"
_IDS = ("x-github-delivery", "x-gitlab-event-uuid", "x-gitea-delivery", "idempotency-key")
_EVENT_HEADERS = ("x-github-event", "x-gitlab-event", "x-gitea-event")
_PUSHES = {"", "push", "push hook", "tag push hook", "system hook"}
_GITLAB_PUSHES = {"push", "tag_push"}
# Where bodies have the repository and its addresses.
_PLACES = ("repository", "project")
_ADDRESSES = (
    "clone_url",
    "ssh_url",
    "git_url",
    "html_url",
    "git_http_url",
    "git_ssh_url",
    "http_url",
    "web_url",
    "url",
)
_LONGEST_ADDRESS = 2_000

Json = Mapping[str, Any]
Place = tuple[str, str]
"""Host (without port) and path (without `.git`) of a repository, in lower case."""


class PushWebhook:
    """See `wiki_pipeline.sources.webhook.Webhook`."""

    path = "git-push"
    events_in_path = False
    summary = "A push to a Git repository"
    description = (
        "Push events of GitHub (and Gitea) and GitLab, with a secret of the connection, or of "
        "`WIKI_PIPELINE_GIT_WEBHOOK_SECRET`. A push is "
        "matched to the known repositories by any of its addresses, and by branch or tag."
    )
    headers: Mapping[str, str] = {
        "X-Hub-Signature-256": "GitHub: HMAC-SHA256 of the raw body, as `sha256=...`; or:",
        "X-Gitlab-Token": "GitLab: the secret itself.",
        "X-GitHub-Event": "Only `push` is of interest; `X-Gitlab-Event` says the same for GitLab.",
        "X-GitHub-Delivery": "Id of the delivery (GitLab: `X-Gitlab-Event-UUID`): it is not taken twice.",
    }
    example: Mapping[str, Any] = {
        "ref": "refs/heads/main",
        "after": "1f3a9c0000000000000000000000000000000000",
        "repository": {"clone_url": "https://github.com/org/repo.git", "default_branch": "main"},
    }

    def __init__(self, settings: GitSettings) -> None:
        self._settings = settings

    def authenticate(self, delivery: Delivery, secrets: Sequence[SecretStr] | None = None) -> None:
        """See `Webhook.authenticate`."""
        secrets, headers = self._settings.webhook_secret if secrets is None else secrets, delivery.headers
        if not require_secret(
            secrets,
            unsigned=self._settings.accept_unsigned_webhooks,
            setting="WIKI_PIPELINE_GIT_WEBHOOK_SECRET",
            unsigned_setting="WIKI_PIPELINE_GIT_ACCEPT_UNSIGNED_WEBHOOKS",
        ):
            return
        if "x-hub-signature-256" not in headers and "x-gitlab-token" in headers:
            check_token(headers["x-gitlab-token"], secrets, "X-Gitlab-Token")
            return
        hub = headers.get("x-hub-signature-256")
        claimed = [] if hub is None else [hub.strip().removeprefix("sha256=")]
        check_hmac(delivery.body, claimed, secrets, "X-Hub-Signature-256 or X-Gitlab-Token")

    def reader(self, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None) -> Reader:
        """See `Webhook.reader`; a push names its repository, so connections don't matter."""
        return _Reader(known).read


class _Reader:
    def __init__(self, known: Mapping[SourceKey, str]) -> None:
        self._known: dict[Place, dict[SourceKey, str]] = defaultdict(dict)
        for key, config in known.items():
            try:
                repository = Repository.parse(config)
            except ConfigurationError:  # its syncs say what is wrong with it
                continue
            self._known[_place(repository.address)][key] = repository.branch

    def read(self, delivery: Delivery) -> ParsedDelivery:
        id_ = delivery_id(_KIND, delivery, _IDS, dated=False)
        if not _is_push(delivery):
            return ParsedDelivery("other", ignored="Only pushes are of interest.", delivery_id=id_)
        body = _body(delivery)
        named = body.get("event_name") or body.get("object_kind")
        if isinstance(named, str) and named not in _GITLAB_PUSHES:
            return ParsedDelivery("other", ignored="Only pushes are of interest.", delivery_id=id_)
        ref = body.get("ref")
        if not isinstance(ref, str) or not ref.startswith("refs/"):
            raise PayloadError("The push does not say which branch or tag it changed.", 'It is "ref" in the body.')
        branches = {key: branch for place in _places(body) for key, branch in self._known.get(place, {}).items()}
        if not branches:
            return ParsedDelivery("push", ignored="The repository is not a source.", delivery_id=id_)
        hit = [key for key, branch in branches.items() if _concerns(ref, branch, _default_branch(body))]
        if not hit:
            return ParsedDelivery(
                "push", ignored=f"{ref[:200]} is not what is kept of the repository.", delivery_id=id_
            )
        # One delivery brings one event to each source that is made from the repository.
        return ParsedDelivery("push", tuple(ChangeHint(_KIND, key, "", "push") for key in hit), delivery_id=id_)


def _is_push(delivery: Delivery) -> bool:
    named = next((delivery.headers[name] for name in _EVENT_HEADERS if name in delivery.headers), "")
    return named.strip().lower() in _PUSHES


def _body(delivery: Delivery) -> Json:
    if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            form = parse_qs(delivery.body.decode("ascii"), max_num_fields=100)
        except ValueError:
            raise PayloadError("The body is not a form.") from None
        return parse_object(form.get("payload", [""])[0].encode("utf-8", "surrogatepass"))
    return parse_object(delivery.body)


def _places(body: Json) -> Iterator[Place]:
    """Where the repository is, by each of its addresses."""
    for place in _PLACES:
        repository = body.get(place)
        if not isinstance(repository, dict):
            continue
        for name in _ADDRESSES:
            value = repository.get(name)
            if not isinstance(value, str) or not value or len(value) > _LONGEST_ADDRESS:
                continue
            try:
                yield _place(Address.parse(value))
            except ConfigurationError:  # as the address of an API, which some have among them
                continue


def _place(address: Address) -> Place:
    return (address.hostname, address.path if address.is_local else address.path.lower())


def _default_branch(body: Json) -> str:
    found = (body[place].get("default_branch") for place in _PLACES if isinstance(body.get(place), dict))
    return next((branch for branch in found if isinstance(branch, str) and branch), "")


def _concerns(ref: str, branch: str, default: str) -> bool:
    """Whether a push to `ref` changes what is kept: a branch or tag, or the default branch if the event names it."""
    if branch:
        return ref in {f"refs/heads/{branch}", f"refs/tags/{branch}"}
    return ref == f"refs/heads/{default}" if default else ref.startswith("refs/heads/")
