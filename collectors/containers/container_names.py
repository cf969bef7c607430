"""The names of running containers, kept from the engines' answers."""

from __future__ import annotations

import asyncio
import glob
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from collectors.containers.engine import Description, EngineError, containers

RETRY = 60.0
"""Seconds after which the engines are asked again about containers that none of them knew."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The engines' answers about the running containers.

    Attributes:
        known: The engine's description of each container, by its identifier.
        unnamed: Containers that no engine named.
        problems: The error of each engine without an answer, by its socket. Empty while all containers have names.
    """

    known: Mapping[str, Description] = field(default_factory=dict)
    unnamed: AbstractSet[str] = frozenset()
    problems: Mapping[str, Exception] = field(default_factory=dict)


class ContainerNames:
    """The names from the engines that listen on some sockets; see `ContainersConfig.sockets`."""

    def __init__(self, sockets: Sequence[str]) -> None:
        self._patterns = tuple(sockets)
        self._last = Answers()
        self._last_request = 0.0

    async def answers(self, wanted: AbstractSet[str]) -> Answers:
        """Return the answers about these containers; ask only about new ones, or at `RETRY` about unnamed ones."""
        known = {container: description for container, description in self._last.known.items() if container in wanted}
        unnamed = wanted - known.keys()
        if unnamed - self._last.unnamed or (unnamed and time.monotonic() - self._last_request >= RETRY):
            self._last = await self._ask(wanted, known)
            self._last_request = time.monotonic()
        else:
            self._last = Answers(known, unnamed, self._last.problems if unnamed else {})
        return self._last

    async def _ask(self, wanted: AbstractSet[str], known: Mapping[str, Description]) -> Answers:
        sockets = sorted({path for pattern in self._patterns for path in glob.glob(pattern)})  # noqa: PTH207 - absolute
        answers = await asyncio.gather(*map(_containers, sockets))
        descriptions = dict(known)  # a failing engine does not invalidate its earlier answer
        for answer in answers:
            if not isinstance(answer, Exception):
                descriptions |= {container: answer[container] for container in wanted & answer.keys()}
        failed = {
            socket: answer for socket, answer in zip(sockets, answers, strict=True) if isinstance(answer, Exception)
        }
        unnamed = wanted - descriptions.keys()
        return Answers(descriptions, unnamed, failed if unnamed else {})


async def _containers(socket: str) -> Mapping[str, Description] | PermissionError | EngineError:
    try:
        return await containers(socket)
    except (PermissionError, EngineError) as error:
        return error
