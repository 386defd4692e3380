"""`make attack`: the long form, with random inputs. Runs the `main` of every module here that has one."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence

import wiki_pipeline_tests.security as room
from wiki_pipeline_tests.security.attacks import BEGINNING, Attack, table


def mains() -> list[tuple[str, Callable[[], list[Attack]]]]:
    """The modules with a `main`, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(room.__path__) if not module.name.startswith("_"))
    modules = [(name, importlib.import_module(f"{room.__name__}.{name}")) for name in names if "test_" not in name]
    return [(name, module.main) for name, module in modules if callable(getattr(module, "main", None))]


def run(chosen: Sequence[str] = ()) -> int:
    """All of them, or those chosen by name, one after another; 1 if anything got through."""
    print(f"WIKI_PIPELINE_ATTACK_SEED={BEGINNING} repeats this run.", file=sys.stderr)
    found: list[Attack] = []
    for name, main in mains():
        if chosen and name not in chosen:
            continue
        began = time.monotonic()
        try:
            found += main()
        except Exception:  # the others still have their turn
            traceback.print_exc()
            found.append(Attack(name, 1, 0, 1, "ended with an error"))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(table(found))
    return 1 if any(row.failed for row in found) else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
