"""Where documents come from. A kind of source is a module or folder here that offers `KIND`; nothing else names it.

Modules of an installation's own, which `WIKI_PIPELINE_SOURCE_MODULES` names, count like those that are here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.protocol import SourceKind
from wiki_pipeline.sources.settings import KindSettings


def kinds() -> Mapping[str, SourceKind]:
    """All kinds of sources by name, in the order of their names.

    Raises:
        ConfigurationError: a module of the installation's own can't be used.
    """
    return _kinds(load(KindSettings).source_modules)


@cache
def _kinds(own: tuple[str, ...]) -> Mapping[str, SourceKind]:
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found: dict[str, SourceKind] = {module.KIND.name: module.KIND for module in modules if hasattr(module, "KIND")}
    for name in own:
        kind = _own_kind(name)
        if kind.name in found:
            raise ConfigurationError(
                f"WIKI_PIPELINE_SOURCE_MODULES: {name} offers the kind of source {kind.name}, which there is already.",
                "Give it another name.",
            )
        found[kind.name] = kind
    return {name: found[name] for name in sorted(found)}


def _own_kind(name: str) -> SourceKind:
    try:
        kind: SourceKind = import_module(name).KIND
    except Exception as error:
        raise ConfigurationError(
            f"WIKI_PIPELINE_SOURCE_MODULES: {name} can't be used: {type(error).__name__}: {error}.",
            "It names modules that Python can import, each of which offers a kind of source as KIND.",
        ) from error
    return kind


def datasource_id(key: SourceKey, config: str) -> str:
    """A source's id in the HTTP interface, as its kind makes it; its slug where its kind is not there or can't read its
    config: its syncs fail with that, listing it and all others must not."""
    kind = kinds().get(key.kind)
    try:
        return key.slug if kind is None else kind.datasource_id(key, config)
    except ConfigurationError:
        return key.slug
