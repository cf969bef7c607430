"""Calls that may hang, such as those on a dead network file system: a hung one costs one thread, and itself alone.

Owns who waits how long for whom. A call into the kernel cannot be ended from outside; its thread is left with it, and
goes when the call returns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class HungError(TimeoutError):
    """A call that did not return in time, or has not returned since an earlier round."""


class BoundedCalls(Generic[Key, Result]):
    """Makes rounds of calls, each known by its key from round to round.

    A call that hangs is not made again before it has returned; the others are made each round. Safe for several
    threads, whose rounds come one after the other.

    Args:
        name: What the threads are called.
        handover: Seconds after which another thread goes on with the calls that have not begun.
        deadline: Seconds that a round takes at most.
    """

    def __init__(self, name: str, *, handover: float, deadline: float) -> None:
        self._name = name
        self._handover = handover
        self._deadline = deadline
        self._one_round = threading.Lock()
        self._hung: dict[Key, _Round[Key, Result]] = {}

    def answers(self, calls: Mapping[Key, Callable[[], Result]]) -> dict[Key, Result | Exception]:
        """What each call returned or raised, in the order of `calls`; HungError where it did neither in time."""
        with self._one_round:
            self._hung = {key: earlier for key, earlier in self._hung.items() if key in earlier.running}
            new = _Round({key: call for key, call in calls.items() if key not in self._hung})
            self._work(new)
            answers, hung = new.close()
            self._hung |= dict.fromkeys(hung, new)
        return {key: answers[key] if key in answers else self._silence() for key in calls}

    def _work(self, new: _Round[Key, Result]) -> None:
        give_up = time.monotonic() + self._deadline
        left = self._deadline
        while left > 0 and not new.finished:
            if new.waiting:
                threading.Thread(target=new.work, name=self._name, daemon=True).start()
            new.wait(min(left, self._handover))
            left = give_up - time.monotonic()

    def _silence(self) -> HungError:
        return HungError(f"no answer within {self._deadline:g} s")


class _Round(Generic[Key, Result]):
    """Calls to be made once each, by whichever thread comes to them.

    Attributes:
        waiting: Those that have not begun.
        running: Those that have begun and not returned, though the round may be closed.
    """

    def __init__(self, calls: Mapping[Key, Callable[[], Result]]) -> None:
        self.waiting = deque(calls.items())
        self.running: set[Key] = set()
        self._answers: dict[Key, Result | Exception] = {}
        self._changed = threading.Condition()

    @property
    def finished(self) -> bool:
        """Whether every call has returned."""
        return not self.waiting and not self.running

    def work(self) -> None:
        """Make the calls that nobody has begun, one after the other."""
        while begun := self._begin():
            key, call = begun
            answer: Result | Exception
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - whatever one call raises must not reach the others
                answer = error
            self._end(key, answer)

    def wait(self, seconds: float) -> None:
        """Wait until every call has returned, for so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self.finished, seconds)

    def close(self) -> tuple[dict[Key, Result | Exception], set[Key]]:
        """Begin no more calls. What was answered so far, and which calls still run."""
        with self._changed:
            self.waiting.clear()
            return self._answers.copy(), self.running.copy()

    def _begin(self) -> tuple[Key, Callable[[], Result]] | None:
        with self._changed:
            if not self.waiting:
                return None
            key, call = self.waiting.popleft()
            self.running.add(key)
            return key, call

    def _end(self, key: Key, answer: Result | Exception) -> None:
        with self._changed:
            self.running.discard(key)
            self._answers[key] = answer
            if self.finished:
                self._changed.notify_all()
