"""Passwords: hashed by Argon2id, a few at a time and in threads of their own, and good ones to begin with."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import anyio.to_thread
from anyio import CapacityLimiter

from wiki_pipeline.errors import BusyError, PayloadError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 15, 256
_AT_ONCE = 2  # each takes 19 MiB and a fifth of a second of one core
_WAITING = 40
_GUESSES = 1e8  # a password that a list of common ones and rules for changing them finds so soon is common
_LOOKED_AT = 72  # characters: looking takes longer than in proportion


class Hashing:
    """Hashes and checks passwords; of one event loop. Who comes while many wait is told to come back: logins of some
    must not take the machine from all."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(_AT_ONCE)
        self.waiting = 0

    async def hash(self, password: str) -> str:
        """The hash to keep, with its parameters.

        Raises:
            BusyError: too many wait.
        """
        return str(await self._run(_hasher().hash, password))

    async def holds(self, kept: str, password: str) -> bool:
        """Whether it is the password; errors as `hash`. Without a kept hash it takes as long and is not."""
        return bool(await self._run(_verified, kept, password))

    async def _run(self, function: object, *arguments: object) -> object:
        if self.waiting >= _WAITING:
            raise BusyError("Many people log in at this moment.", "Try again in a few seconds.")
        self.waiting += 1
        try:
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self._limiter)  # type: ignore[arg-type]
        finally:
            self.waiting -= 1


def is_outdated(kept: str) -> bool:
    """Whether a hash was made by weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)


def check(password: str, about: Sequence[str] = ()) -> None:
    """Refuse a password that others would think of. Any characters will do, and none has to be there.

    Args:
        about: words that belong to the account.

    Raises:
        PayloadError: it is too short, too long or common; says which.
    """
    characters = len(unicodedata.normalize("NFC", password))
    if characters < SHORTEST:
        raise PayloadError(f"The password has {characters} characters; {SHORTEST} are the least.", "Take a sentence.")
    if characters > LONGEST:
        raise PayloadError(f"The password is longer than {LONGEST} characters.")
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take a while to load

    words = [part for word in about for part in word.casefold().replace("@", " ").replace(".", " ").split()]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=[*words, "wiki", "pipeline", "wiki-pipeline"])["guesses"] < _GUESSES:
        raise PayloadError(
            "The password is one that many have, or made of such ones, of your name or of rows of keys.",
            "Take a few words that do not belong together.",
        )


def _verified(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        right = _hasher().verify(kept or _dummy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(kept)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415

    # What OWASP names as the least. The library's own default takes 64 MiB and four threads a login.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _dummy() -> str:
    return str(_hasher().hash("a password that nobody has"))
