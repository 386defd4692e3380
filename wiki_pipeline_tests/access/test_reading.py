"""Who reads which sources: by audience, group and role; at once, and from memory as long as nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.access import How, Principal, Role, Scope, local
from wiki_pipeline.access.reading import Reading
from wiki_pipeline.catalog import Audience, Catalog, Readers
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import HomeSettings, load
from wiki_pipeline_tests.migrated import put_catalog

OPEN, GROUPED, SHUT, OTHERS = (SourceKey(*text.split(":")) for text in ("a:git:o", "a:git:g", "a:git:s", "b:git:x"))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    put_catalog(tmp_path / "catalog.sqlite")
    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as opened:
        for key in (OPEN, GROUPED, SHUT, OTHERS):
            opened.add_source(key, "{}")
        opened.audiences.set(GROUPED, Audience(Readers.GROUPS, ("platform",)))
        opened.audiences.set(SHUT, Audience(Readers.ADMINS))
        yield opened


def who(
    role: Role = Role.READER,
    *groups: str,
    tenant: str = "a",
    how: How = How.SESSION,
    only: set[SourceKey] | None = None,
) -> Principal:
    scope = Scope(tenant, None if only is None else frozenset(only), role.actions)
    return Principal("ada", tenant, how, scope, role, "ada", frozenset(groups))


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (who(), {OPEN}),
        (who(Role.EDITOR), {OPEN}),
        (who(Role.READER, "platform"), {OPEN, GROUPED}),
        (who(Role.READER, "Platform"), {OPEN}),
        (who(Role.ADMIN), {OPEN, GROUPED, SHUT}),
        (who(Role.OPERATOR), {OPEN, GROUPED, SHUT}),
        (who(how=How.LOCAL), {OPEN, GROUPED, SHUT}),
        (who(only={SHUT, GROUPED}), set()),
        (who(Role.ADMIN, only={SHUT}), {SHUT}),
        (who(Role.READER, "platform", only={GROUPED, OTHERS}), {GROUPED}),
        (who(tenant="b"), {OTHERS}),
        (who(Role.ADMIN, tenant="b"), {OTHERS}),
        (who(Role.OPERATOR, tenant="nobody's"), set()),
    ],
)
def test_who_reads_what(catalog: Catalog, principal: Principal, allowed: set[SourceKey]) -> None:
    scope = Reading(catalog).applied(principal).scope
    assert {key for key in (OPEN, GROUPED, SHUT, OTHERS) if scope.allows(key)} == allowed


def test_a_change_holds_from_the_next_request_on(catalog: Catalog) -> None:
    reading = Reading(catalog)
    assert not reading.applied(who()).scope.allows(SHUT)
    catalog.audiences.set(SHUT, Audience())
    assert reading.applied(who()).scope.allows(SHUT)
    new = SourceKey("a", "git", "new")
    catalog.add_source(new, "{}")
    assert reading.applied(who()).scope.allows(new)
    catalog.audiences.set(OPEN, Audience(Readers.ADMINS))
    assert not reading.applied(who()).scope.allows(OPEN)


def test_a_scope_that_lasts_shrinks_and_never_grows(catalog: Catalog) -> None:
    reading = Reading(catalog)
    scope = reading.applied(who()).scope
    catalog.audiences.set(SHUT, Audience())
    assert not reading.narrowed(scope).allows(SHUT)
    catalog.audiences.set(OPEN, Audience(Readers.ADMINS))
    assert not reading.narrowed(scope).allows(OPEN)


def test_whoever_uses_this_machine_reads_everything_wherever_they_come_in(catalog: Catalog, tmp_path: Path) -> None:
    scope = local(load(HomeSettings, home=tmp_path, tenant="a")).scope
    assert Reading(catalog).narrowed(scope).sources is None


def test_what_is_remembered_is_bounded(catalog: Catalog) -> None:
    reading = Reading(catalog, most_kept=3)
    for number in range(20):
        reading.applied(who(Role.READER, str(number)))
    assert len(reading._kept) == 3


def test_an_audience_of_a_later_version_is_the_admins(catalog: Catalog) -> None:
    from wiki_pipeline.catalog.audiences import audience_of  # noqa: PLC0415 - the one test of it

    assert audience_of("friends of friends", ["platform"]) == Audience(Readers.ADMINS)


@pytest.mark.parametrize(
    ("readers", "groups"),
    [("all", []), ("groups", []), ("tenant", ["a"]), ("admins", ["a"]), ("groups", [" "]), ("groups", ["x" * 201])],
)
def test_audiences_that_make_no_sense_are_refused(readers: str, groups: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        Audience.of(readers, groups)


def test_audiences_are_said_in_words() -> None:
    said = [str(Audience.of(*each)) for each in (("tenant",), ("groups", ["b", "a", "a"]), ("admins",))]
    assert said == ["everyone in the tenant", "groups a, b", "admins only"]
