"""The guard against samples that are far ahead of the receiver's clock.

A Prometheus before 2.54 stores them. It then refuses the samples of every machine that are older than its out-of-order
window, counted from the newest sample, and its retention may remove the history of all. Later versions refuse a sample
that is more than ten minutes ahead.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.push.verdict import Action, Fault, Verdict
from agent.push.wire import EMPTY
from collectors.http_push.answer import NOT_SENT, Answer
from collectors.http_push.poster import Poster
from collectors.http_push.receiver_clock import ReceiverClock

LONGEST_AHEAD_MS = 86_400_000
"""The longest time ahead: a clock in a wrong time zone is visible at the centre and harms no other machine."""

_NS = 1_000_000


class FutureGuard:
    """Judges times by the receiver's clock, which it asks for once before the first samples are sent.

    Args:
        poster: The sender of single requests.
        clock: The receiver's clock, by the dates of its answers.
    """

    def __init__(self, poster: Poster, clock: ReceiverClock) -> None:
        self.poster = poster
        self._clock = clock
        self._ask: Callable[[], bool] = lambda: not clock.is_known

    async def judge(self, time: int) -> tuple[Answer, Verdict] | None:
        """Return the answer for a time in Unix milliseconds that must not be sent; `None` for any other time.

        Samples wait while the two clocks disagree: either may be the wrong one. Once they agree, a sample that is still
        ahead has a wrong time and is refused.
        """
        if self._ask():
            self._ask = lambda: False
            await self.poster.post(EMPTY)
        if time - self._clock.receiver_ns() // _NS <= LONGEST_AHEAD_MS:
            return None
        if self._clock.difference_ns // _NS > LONGEST_AHEAD_MS:
            text = "not sent: this machine's clock is more than a day ahead of the receiver's"
            return Answer(NOT_SENT, text), Verdict(Action.WAIT, Fault.REFUSES)
        text = "not sent: the sample is more than a day ahead of the receiver's clock"
        return Answer(NOT_SENT, text), Verdict(Action.SINGLE_OUT, reason="too_new")
