"""Calls that may hang, such as those on a dead network file system, within one deadline for all of them.

A call into the kernel cannot be ended from outside. A hung call costs one thread, which ends when the call returns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from collectors.offloop import NoThreadError, Worker

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class HungError(TimeoutError):
    """A call that did not return in time, or has not returned since an earlier round."""


class BoundedCalls(Generic[Key, Result]):
    """Rounds of calls, each identified by its key from round to round.

    A call that hangs is not repeated before it has returned. All others are made in each round. One thread makes all
    calls of all rounds as long as none hangs. Safe for several threads, whose rounds follow one another.

    Args:
        name: The threads' name.
        handover: Seconds after which another thread continues with the calls that have not begun.
        deadline: Limit of a round, in seconds.
    """

    def __init__(self, name: str, *, handover: float, deadline: float) -> None:
        self._name = name
        self._handover = handover
        self._deadline = deadline
        self._worker = Worker(name)
        self._one_round = threading.Lock()
        self._hung: dict[Key, _Round[Key, Result]] = {}

    def answers(self, calls: Mapping[Key, Callable[[], Result]]) -> dict[Key, Result | Exception]:
        """Return what each call returned or raised, in the order of `calls`; HungError where it did neither in time."""
        with self._one_round:
            self._hung = {key: earlier for key, earlier in self._hung.items() if key in earlier.running}
            new = _Round({key: call for key, call in calls.items() if key not in self._hung})
            self._work(new)
            answers, hung = new.close()
            self._hung |= dict.fromkeys(hung, new)
        return {key: answers[key] if key in answers else self._silence() for key in calls}

    def _work(self, new: _Round[Key, Result]) -> None:
        end = time.monotonic() + self._deadline
        left = self._deadline
        while left > 0 and not new.finished:
            if new.waiting:
                self._begin(new)
            new.wait(min(left, self._handover))
            left = end - time.monotonic()
        if not new.finished:
            self._worker = Worker(self._name)  # the old one hangs, and ends when its call returns

    def _begin(self, new: _Round[Key, Result]) -> None:
        """Let a thread work on the round; this one where the system has no other left."""
        if new.running:
            self._worker = Worker(self._name)
        try:
            self._worker.submit(new.work)
        except NoThreadError:
            new.work()

    def _silence(self) -> HungError:
        return HungError(f"no answer within {self._deadline:g} s")


class _Round(Generic[Key, Result]):
    """Calls to be made once each, by any of several threads.

    Attributes:
        waiting: Those that have not begun.
        running: Those that have begun and not returned, though the round may be closed.
    """

    def __init__(self, calls: Mapping[Key, Callable[[], Result]]) -> None:
        self.waiting = deque(calls.items())
        self.running: set[Key] = set()
        self._answers: dict[Key, Result | Exception] = {}
        self._lock = threading.Lock()
        self._all_returned = threading.Event()

    @property
    def finished(self) -> bool:
        """True once every call has returned."""
        return not self.waiting and not self.running

    def work(self) -> None:
        """Make the calls that have not begun, one after another."""
        while begun := self._begin():
            key, call = begun
            answer: Result | Exception
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - an error of one call must not reach the others
                answer = error
            self._end(key, answer)

    def wait(self, seconds: float) -> None:
        """Wait until every call has returned, or for `seconds`."""
        self._all_returned.wait(seconds)

    def close(self) -> tuple[dict[Key, Result | Exception], set[Key]]:
        """Begin no more calls; return the answers so far and the keys of the calls that still run."""
        with self._lock:
            self.waiting.clear()
            return self._answers.copy(), self.running.copy()

    def _begin(self) -> tuple[Key, Callable[[], Result]] | None:
        with self._lock:
            if not self.waiting:
                return None
            key, call = self.waiting.popleft()
            self.running.add(key)
            return key, call

    def _end(self, key: Key, answer: Result | Exception) -> None:
        with self._lock:
            self.running.discard(key)
            self._answers[key] = answer
            if self.finished:
                self._all_returned.set()
