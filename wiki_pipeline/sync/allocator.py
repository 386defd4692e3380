"""Where memory comes from: settings of the allocators, for processes that go through tables a batch at a time.

As they come, Arrow's allocator keeps what batches have freed, and glibc keeps a heap a thread, of which LanceDB has
many: a sync of 10,000 pages held 200 MB for nothing. That is worth more than the few per cent of time that they save.
"""

from __future__ import annotations

import contextlib
import ctypes

import pyarrow as pa

ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""The settings for a process that is yet to start."""

_ARENA_MAX = -8  # glibc's number for it


def limit_allocators() -> None:
    """The same settings for this process, as far as its system has them. Repeatable."""
    pa.set_memory_pool(pa.system_memory_pool())
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL("libc.so.6").mallopt(_ARENA_MAX, int(ENVIRONMENT["MALLOC_ARENA_MAX"]))
