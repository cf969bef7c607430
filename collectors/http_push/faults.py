"""The faults of one receiver: the start of each, and its last answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

import structlog

from collectors.http_push.answer import NO_ANSWER, Answer

Kind = TypeVar("Kind", bound=Enum)

REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The bounds of a histogram of the seconds of requests."""

RATE_SECONDS = 60.0
"""Seconds for which a rate limit stands after its last occurrence, as other requests may pass."""

_SILENCE = 8.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that stands.

    Attributes:
        answer: The last answer.
        since: The start, monotonic seconds.
        last: The last occurrence, monotonic seconds.
    """

    answer: Answer
    since: float
    last: float


class Kinds(NamedTuple, Generic[Kind]):
    """The kinds of faults that a receiver can have."""

    unreachable: Kind
    refuses: Kind
    rate_limited: Kind


class ReceiverFaults(Generic[Kind]):
    """The faults that stand, and the requests that wait for their answers. One thread writes, others may read.

    Args:
        kinds: The kinds of faults.
        receiver: The name of the receiver in log lines.
        items: The name of the items that it takes in log lines.
        clock: A monotonic clock, seconds.
    """

    def __init__(self, kinds: Kinds[Kind], receiver: str, items: str, clock: Callable[[], float]) -> None:
        self._kinds = kinds
        self._receiver = receiver
        self._items = items
        self._clock = clock
        self._troubles: dict[Kind, Trouble] = {}
        self._waiting: dict[object, float] = {}
        self._is_judged = False

    @property
    def is_up(self) -> bool | None:
        """True if the receiver takes items by its last answer; `None` before the first."""
        if not self._is_judged:
            return None
        return not self._troubles.keys() & {self._kinds.unreachable, self._kinds.refuses}

    def begin(self, request: object) -> None:
        """Note that a request waits for its answer."""
        self._waiting[request] = self._clock()

    def end(self, request: object) -> None:
        """Note that a request waits no more."""
        self._waiting.pop(request, None)

    def judge(self, answer: Answer, fault: Kind | None) -> None:
        """Note the fault that an answer shows, or that there is none."""
        self._is_judged = True
        if fault is None:
            self._resolve()
        else:
            self._note(answer, fault)

    def standing(self, fault: Kind) -> Trouble | None:
        """Return a fault that stands. A long wait for an answer is an unreachable receiver."""
        return self._known(fault) or (self._silence() if fault is self._kinds.unreachable else None)

    def _resolve(self) -> None:
        for fault in (self._kinds.unreachable, self._kinds.refuses):
            trouble = self._troubles.pop(fault, None)
            if trouble:
                seconds = round(self._clock() - trouble.since, 1)
                event = f"{self._receiver} accepts {self._items} again"
                log.info(event, was=fault.value, seconds=seconds)

    def _note(self, answer: Answer, fault: Kind) -> None:
        now = self._clock()
        known = self._known(fault)
        self._troubles[fault] = replace(known, answer=answer, last=now) if known else Trouble(answer, now, now)
        if not known:
            event = f"{self._receiver} does not accept {self._items}, which wait"
            log.warning(event, problem=fault.value, answer=answer.shown())

    def _known(self, fault: Kind) -> Trouble | None:
        trouble = self._troubles.get(fault)
        if trouble and fault is self._kinds.rate_limited and self._clock() - trouble.last > RATE_SECONDS:
            return None
        return trouble

    def _silence(self) -> Trouble | None:
        """Return the longest wait for an answer, if it is long."""
        now = self._clock()
        since = min(self._waiting.copy().values(), default=now)
        if now - since < _SILENCE:
            return None
        return Trouble(Answer(NO_ANSWER, f"no answer yet after {now - since:.0f} s"), since, now)
