"""`wr-agent dropouts`: the dropouts of this machine with their causes, one in detail, and the most frequent causes.

Asks the running agent. Without one, it reads the state directory.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.terminal import client
from agent.terminal import dropouts as text
from agent.terminal.style import Terminal, harmless
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.reading import MOST_EVENTS, Answer, Query, events_of, find, has_events, refusal
from collectors.units import Duration

HELP = "list the dropouts of this machine with their causes; show one in detail; count causes and culprits"

_NEWEST = 20
_DAY = 24 * 3600.0
_WORDS = {"now": timedelta(), "today": timedelta(), "yesterday": timedelta(days=1)}


class Since(NamedTuple):
    """The begin of the shown time: Unix seconds, and the user's words."""

    at: float
    words: str


class Found(NamedTuple):
    """The selected events, and the note that no agent runs; empty if one answered."""

    answer: Answer
    note: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the list, and the actions `show` and `top`."""
    parser.usage = "wr-agent dropouts [options] [show ID | top]"
    _add_common(parser)
    _add_selection(parser)
    help_ = f"only the newest N; {_NEWEST} by default, or all with --since"
    parser.add_argument("-n", type=_number, metavar="N", dest="most", help=help_)
    actions = parser.add_subparsers(metavar="ACTION", dest="action")
    help_ = "show one dropout with its evidence"
    show = actions.add_parser("show", help=help_, description=help_)
    show.add_argument("id", metavar="ID", type=_id, help="the dropout's id, its beginning, or `last`")
    help_ = "count the causes and the culprits of the last day"
    top = actions.add_parser("top", help=help_, description=help_)
    for action in (show, top):
        _add_common(action, argparse.SUPPRESS)
    _add_selection(top, argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if the events could be read, even if there are none; 1 if not, or if no dropout has that id."""
    from agent.doctor.agent import settings  # the daemon imports all commands but does not use these

    config = settings.read(arguments.config).config
    try:
        match arguments.action:
            case "show":
                return _show(arguments, config)
            case "top":
                return _top(arguments, config)
        return _list(arguments, config)
    except client.NotRunningError as error:
        print(f"wr-agent dropouts: {error}", file=sys.stderr)
        return 1


def _list(arguments: argparse.Namespace, config: Config) -> int:
    since: Since | None = arguments.since
    most = arguments.most or (MOST_EVENTS if since else _NEWEST)
    found = _found(config, Query(since=since.at if since else 0.0, cause=arguments.cause, most=most))
    if arguments.json:
        return _print_json(found.answer)
    selection = text.Selection(since.words if since else "", arguments.cause)
    _print(text.list_lines(found.answer, selection, Terminal.of(sys.stdout)), found.note)
    return 0


def _show(arguments: argparse.Namespace, config: Config) -> int:
    wanted = "" if arguments.id == "last" else arguments.id
    found = _found(config, Query(id=wanted, most=1 if arguments.id == "last" else _NEWEST))
    events = events_of(found.answer)
    exact = [event for event in events if event.id == wanted] or events
    if len(exact) != 1:
        print(f"wr-agent dropouts: {_mismatch(arguments.id, exact)}", file=sys.stderr)
        return 1
    if arguments.json:
        return _print_json(exact[0])
    _print(text.event_lines(exact[0], Terminal.of(sys.stdout), time.time()), found.note)
    return 0


def _mismatch(wanted: str, found: list[Event]) -> str:
    if found:
        ids = ", ".join(harmless(event.id) for event in found[:5])
        return f"{wanted} is the beginning of {len(found)} ids or more: {ids}"
    if wanted == "last":
        return "no dropout is recorded"
    return f"no dropout has the id {wanted}; wr-agent dropouts lists them"


def _top(arguments: argparse.Namespace, config: Config) -> int:
    since: Since = arguments.since or Since(time.time() - _DAY, "in the last 24 hours")
    found = _found(config, Query(since=since.at, cause=arguments.cause))
    events = events_of(found.answer)
    if arguments.json:
        return _print_json(text.summary(events))
    _print(text.top_lines(text.summary(events), since.words, Terminal.of(sys.stdout)), found.note)
    return 0


def _found(config: Config, query: Query) -> Found:
    """Return the events of the running agent, or those in its state directory if none runs.

    Raises:
        NotRunningError: An agent runs but refuses this user, or its files cannot be read.
    """
    from agent.doctor.agent import locate

    parameters = {"since": repr(query.since), "cause": query.cause or "", "id": query.id, "most": query.most}
    try:
        body, _ = locate.get(config, f"/-/dropouts?{urlencode(parameters)}")
        return Found(msgspec.json.decode(body, type=Answer), "")
    except client.NotRunningError as error:
        if locate.is_forbidden(error):
            raise
    except msgspec.MsgspecError as error:
        raise client.NotRunningError(f"expected an agent of this version, found another answer: {error}") from error
    directories = [state_directory(place) for place in locate.places(config)]
    directory = next(filter(has_events, directories), directories[0])
    if reason := refusal(directory):
        raise client.NotRunningError(f"no agent runs, and {reason}")
    return Found(find(directory, query), f"no agent runs; read from {directory}")


def _print(lines: list[str], note: str) -> None:
    if note:
        print(note, file=sys.stderr)
    print("\n".join(lines))


def _print_json(document: object) -> int:
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    return 0


def _add_common(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    help_ = "the configuration that the agent runs with"
    parser.add_argument("--config", metavar="FILE", default=default, help=help_)
    parser.add_argument("--json", action="store_true", default=default or False, help="print one JSON document")


def _add_selection(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    help_ = "only dropouts since then: 2h, 3d, today, 14:30, 2026-01-02, 2026-01-02T14:30"
    parser.add_argument("--since", metavar="TIME", type=_since, default=default, help=help_)
    help_ = f"only dropouts of this cause: {', '.join(Cause)}"
    parser.add_argument("--cause", metavar="CAUSE", type=_cause, default=default, help=help_)


def _cause(word: str) -> Cause:
    try:
        return Cause(word.lower().replace("-", "_"))
    except ValueError:
        near = difflib.get_close_matches(word.lower(), list(Cause), n=1)
        meant = f"did you mean {near[0]}? The" if near else "the"
        known = ", ".join(Cause)
        raise argparse.ArgumentTypeError(f"unknown cause {word!r}; {meant} causes are {known}") from None


def _id(word: str) -> str:
    if not word:
        raise argparse.ArgumentTypeError("expected an id, its beginning or `last`, got nothing")
    return word


def _number(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= MOST_EVENTS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MOST_EVENTS}, got {word!r}")
    return int(word)


def _since(word: str) -> Since:
    now = datetime.now().astimezone()
    at = _ago(word, now) or _clock(word, now) or _date(word)
    if at is None:
        raise argparse.ArgumentTypeError(
            f"expected a time such as 2h, 3d, today, 14:30, 2026-01-02 or 2026-01-02T14:30, got {word!r}"
        )
    if at > now:
        raise argparse.ArgumentTypeError(f"expected a time in the past, got {at:%Y-%m-%d %H:%M:%S %z}")
    return Since(at.timestamp(), f"since {at:%Y-%m-%d %H:%M:%S}")


def _ago(word: str, now: datetime) -> datetime | None:
    if word in _WORDS:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0) - _WORDS[word]
        return now if word == "now" else day
    try:
        return now - timedelta(seconds=Duration.parse(word))
    except (ValueError, OverflowError):
        return None


def _clock(word: str, now: datetime) -> datetime | None:
    """Return the last time at which a clock showed `14:30` or `14:30:15`."""
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            shown = datetime.strptime(word, form)  # noqa: DTZ007 - only hour, minute and second are used
        except ValueError:
            continue
        at = now.replace(hour=shown.hour, minute=shown.minute, second=shown.second, microsecond=0)
        return at if at <= now else at - timedelta(days=1)
    return None


def _date(word: str) -> datetime | None:
    """Return a date or time of ISO 8601; local time without a zone."""
    try:
        return datetime.fromisoformat(word).astimezone()
    except (ValueError, OverflowError):
        return None
