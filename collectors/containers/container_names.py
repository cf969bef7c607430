"""Keeps what the engines said of the containers that run, and asks them about new ones."""

from __future__ import annotations

import asyncio
import glob
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from collectors.containers.engine import Description, EngineError, containers

RETRY = 60.0
"""Seconds after which engines are asked again about containers that none of them knew."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the containers that run.

    Attributes:
        known: What an engine said of each, by its identifier.
        unnamed: Those that no engine named.
        problems: Why an engine did not answer, by its socket. Empty while all containers have names.
    """

    known: Mapping[str, Description] = field(default_factory=dict)
    unnamed: AbstractSet[str] = frozenset()
    problems: Mapping[str, Exception] = field(default_factory=dict)


class ContainerNames:
    """Asks the engines that listen on some sockets; see `ContainersConfig.sockets`."""

    def __init__(self, sockets: Sequence[str]) -> None:
        self._patterns = tuple(sockets)
        self._last = Answers()
        self._asked = 0.0

    async def answers(self, wanted: AbstractSet[str]) -> Answers:
        """What is known of these containers. Asks only if there are new ones, or now and then if some have no name."""
        known = {container: said for container, said in self._last.known.items() if container in wanted}
        unnamed = wanted - known.keys()
        if unnamed - self._last.unnamed or (unnamed and time.monotonic() - self._asked >= RETRY):
            self._last = await self._ask(wanted, known)
            self._asked = time.monotonic()
        else:
            self._last = Answers(known, unnamed, self._last.problems if unnamed else {})
        return self._last

    async def _ask(self, wanted: AbstractSet[str], known: Mapping[str, Description]) -> Answers:
        sockets = sorted({path for pattern in self._patterns for path in glob.glob(pattern)})  # noqa: PTH207 - absolute
        answers = await asyncio.gather(*map(_containers, sockets))
        said = dict(known)  # an engine that fails now has not taken back what it said before
        for answer in answers:
            if not isinstance(answer, Exception):
                said |= {container: answer[container] for container in wanted & answer.keys()}
        failed = {
            socket: answer for socket, answer in zip(sockets, answers, strict=True) if isinstance(answer, Exception)
        }
        unnamed = wanted - said.keys()
        return Answers(said, unnamed, failed if unnamed else {})


async def _containers(socket: str) -> Mapping[str, Description] | PermissionError | EngineError:
    try:
        return await containers(socket)
    except (PermissionError, EngineError) as error:
        return error
