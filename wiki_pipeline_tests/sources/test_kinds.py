"""The registry of kinds."""

from __future__ import annotations

import re

from wiki_pipeline.settings import SettingsGroup
from wiki_pipeline.sources import kinds


def test_every_kind_is_registered_under_its_own_name() -> None:
    assert list(kinds()) == sorted(kinds())
    for name, kind in kinds().items():
        assert kind.name == name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert issubclass(kind.settings_group, SettingsGroup)


def test_every_setting_of_a_kind_is_described_and_named_apart_from_others() -> None:
    names = [
        (str(field.validation_alias), field.description)
        for kind in kinds().values()
        for field in kind.settings_group.model_fields.values()
    ]
    assert all(description for _, description in names)
    assert len({name for name, _ in names}) == len(names)
