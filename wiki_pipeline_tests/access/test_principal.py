from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline.access import Action, How, Principal, Role, Scope, Tokens, local
from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load

ENG, OPS = SourceKey("default", "confluence", "ENG"), SourceKey("default", "confluence", "OPS")
FIRST, SECOND = "the-first-of-two-tokens", "the-second-of-two-tokens"


def settings(folder: Path, tokens: str = "") -> AccessSettings:
    return load(AccessSettings, home=folder, tenant="acme", api_tokens=tokens)


def test_the_command_line_may_do_everything_in_its_tenant(tmp_path: Path) -> None:
    found = local(settings(tmp_path))
    assert (found.tenant, found.how, found.scope.sources) == ("acme", How.LOCAL, None)
    assert found.scope.allows(SourceKey("acme", "git", "org/repo"))
    assert not found.scope.allows(SourceKey("other", "git", "org/repo"))


def test_a_known_token_stands_for_somebody_and_an_unknown_one_for_nobody(tmp_path: Path) -> None:
    tokens = Tokens(settings(tmp_path, f"{FIRST},{SECOND}"))
    found = tokens.from_token(SECOND)
    assert found is not None
    assert (found.tenant, found.how) == ("acme", How.TOKEN)
    assert SECOND not in repr(found)
    for unknown in ("", FIRST[:-1], f"{FIRST} "):
        assert tokens.from_token(unknown) is None
    assert not Tokens(settings(tmp_path))


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="shorter than 16 characters"):
        Tokens(settings(tmp_path, "short"))


@pytest.mark.parametrize(
    ("sources", "asked", "narrowed"),
    [
        (None, [], ()),
        (None, [ENG], (ENG,)),
        (None, [SourceKey("other", "git", "x")], None),
        ({ENG}, [], (ENG,)),
        ({ENG}, [ENG, OPS], (ENG,)),
        ({ENG}, [OPS], None),
        (set(), [], None),
    ],
)
def test_what_is_asked_for_is_narrowed_to_what_may_be_read(
    sources: set[SourceKey] | None, asked: list[SourceKey], narrowed: tuple[SourceKey, ...] | None
) -> None:
    assert Scope("default", None if sources is None else frozenset(sources)).narrow(asked) == narrowed


def test_roles_are_in_order_and_each_may_do_one_thing_more() -> None:
    assert sorted(Role, reverse=True) == [Role.OPERATOR, Role.ADMIN, Role.EDITOR, Role.READER]
    assert max(Role.READER, Role.ADMIN, Role.EDITOR) is Role.ADMIN
    assert Role.READER.actions == {Action.READ}
    assert Role.EDITOR.actions == {Action.READ, Action.WRITE}
    assert Role.ADMIN.actions == {Action.READ, Action.WRITE, Action.ADMIN}
    assert Role.OPERATOR.actions == set(Action)


def test_this_machine_and_tokens_of_the_settings_may_do_everything_and_nobody_else_by_default(tmp_path: Path) -> None:
    found = Tokens(settings(tmp_path, FIRST)).from_token(FIRST)
    assert found is not None
    for everything in (found, local(settings(tmp_path))):
        assert everything.role is Role.OPERATOR
        assert all(everything.may(action) for action in Action)
    somebody = Principal("somebody", "acme", How.SESSION, Scope("acme"))
    assert somebody.role is Role.READER
    assert not somebody.may(Action.ADMIN)
    assert not somebody.may(Action.OPERATE)


def test_what_is_theirs_alone_belongs_to_an_account_and_not_to_a_name() -> None:
    one, other = (Principal("Ada", "acme", How.SESSION, Scope("acme"), account=account) for account in ("a", "b"))
    assert one.owner != other.owner
