"""Where documents come from. A kind of source is a module or folder here that offers `KIND`; nothing else names it."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sources.protocol import SourceKind


@cache
def kinds() -> Mapping[str, SourceKind]:
    """All kinds of sources by name, in the order of their names."""
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found: list[SourceKind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}


def datasource_id(key: SourceKey, config: str) -> str:
    """A source's id in the HTTP interface, as its kind makes it; its slug where its kind is not there or can't read its
    config: its syncs fail with that, listing it and all others must not."""
    kind = kinds().get(key.kind)
    try:
        return key.slug if kind is None else kind.datasource_id(key, config)
    except ConfigurationError:
        return key.slug
