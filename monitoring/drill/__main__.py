"""The drill: injects real faults, shows each page as it arrives, and scores the answers of a person on call."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from monitoring.drill.exercises import ACTIONS, EXERCISES, Exercise
from monitoring.drill.receivers import Receivers
from monitoring.drill.score import Answer, report, score
from monitoring.drill.studio import ROOT, Studio, studio

_WARM_UP_SECONDS = 35.0
_PAGE_SECONDS = 420.0
_RESOLVE_SECONDS = 600.0


class NoPageError(Exception):
    """The stack did not page. The drill itself, or the stack, is at fault."""


class Prompt(NamedTuple):
    """The dialogue with the person.

    Attributes:
        ask: Returns the answer to a question.
        say: Shows a text.
    """

    ask: Callable[[str], str]
    say: Callable[[str], None]


def main(arguments: list[str] | None = None) -> int:
    """Run the drill. Return 0, or 1 if a page did not arrive."""
    options = _parser().parse_args(arguments)
    chosen = [it for it in EXERCISES if not options.only or it.name in options.only]
    if options.list:
        print("\n".join(it.name for it in EXERCISES))
        return 0
    with tempfile.TemporaryDirectory(prefix="wr-drill-") as folder, studio(Path(folder), options.stack) as running:
        print(f"The stack runs in {folder}. Prometheus: http://127.0.0.1:{running.port('PROMETHEUS')}", flush=True)
        time.sleep(options.warm_up)
        try:
            answers = [_exercise(running, it, _prompt(it, auto=options.auto)) for it in _possible(chosen, running)]
        except NoPageError as error:
            print(error, file=sys.stderr)
            return 1
    print(report(answers))
    if options.report:
        rows = [{**answer._asdict(), "score": score(answer)} for answer in answers]
        options.report.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="monitoring/drill.sh", description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the names of the exercises")
    parser.add_argument("--only", nargs="+", choices=[it.name for it in EXERCISES], help="run only these exercises")
    parser.add_argument("--auto", action="store_true", help="answer every page correctly, to check the drill itself")
    parser.add_argument("--report", type=Path, help="write the result to this file as JSON")
    parser.add_argument("--stack", type=Path, default=ROOT / "monitoring", help="the directory of start.sh")
    parser.add_argument("--warm-up", type=float, default=_WARM_UP_SECONDS, help="seconds before the first fault")
    return parser


def _possible(chosen: list[Exercise], running: Studio) -> list[Exercise]:
    for exercise in chosen:
        if exercise.needs_redis and not running.has_redis():
            print(f"{exercise.name} is left out: it needs redis-server and its exporter")
    return [it for it in chosen if not it.needs_redis or running.has_redis()]


def _prompt(exercise: Exercise, *, auto: bool) -> Prompt:
    if not auto:
        return Prompt(input, print)
    return Prompt(lambda question: exercise.fix if question.startswith("Action") else exercise.runbook, print)


def _exercise(running: Studio, exercise: Exercise, prompt: Prompt) -> Answer:
    """Inject a fault, wait for its page, and return the answer to it."""
    before = len(running.seen.pagerduty)
    injected = time.monotonic()
    exercise.inject(running)
    event = _wait(lambda: _page(running.seen, exercise.alert, before), _PAGE_SECONDS)
    if event is None:
        raise NoPageError(f"no page of {exercise.alert} arrived within {_PAGE_SECONDS:.0f} s of the fault")
    paged = time.monotonic()
    prompt.say(_shown(event))
    named = prompt.ask("Acknowledge with the name of the runbook: ")
    acknowledged = time.monotonic()
    wrong = _repair(running, exercise, prompt)
    resolved = _wait(lambda: _end(running.seen, event["dedup_key"]), _RESOLVE_SECONDS) is not None
    prompt.say("resolved" if resolved else f"not resolved within {_RESOLVE_SECONDS:.0f} s")
    return Answer(
        exercise=exercise.name,
        priority=exercise.priority,
        page_seconds=paged - injected,
        response_seconds=acknowledged - paged,
        runbook_right=named.strip().upper().removesuffix(".MD") == exercise.runbook,
        wrong_actions=wrong,
        resolved=resolved,
    )


def _repair(running: Studio, exercise: Exercise, prompt: Prompt) -> int:
    """Ask for actions until one repairs the fault. Return the number of the others."""
    wrong = 0
    while (named := prompt.ask(f"Action ({', '.join(ACTIONS)}): ").strip().lower()) != exercise.fix:
        wrong += 1
        prompt.say(f"{named!r} does not repair it" if named in ACTIONS else f"{named!r} is not an action")
    ACTIONS[named](running)
    return wrong


def _page(seen: Receivers, alert: str, before: int) -> dict[str, Any] | None:
    events = seen.pagerduty[before:]
    return next((it for it in events if it["event_action"] == "trigger" and it["payload"]["class"] == alert), None)


def _end(seen: Receivers, key: str) -> dict[str, Any] | None:
    events = seen.pagerduty
    return next((it for it in events if it["event_action"] == "resolve" and it["dedup_key"] == key), None)


def _wait(look: Callable[[], dict[str, Any] | None], seconds: float) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _shown(event: dict[str, Any]) -> str:
    payload = event["payload"]
    links = "\n".join(f"  {link['text']}: {link['href']}" for link in event["links"])
    return f"\nPAGE  {payload['summary']}\n{payload['custom_details']['alerts']}{links}"


if __name__ == "__main__":
    sys.exit(main())
