"""`wr-agent-recorder`: records the kernel's scheduling events for the agent's explanations of dropouts."""

from __future__ import annotations

import argparse
import os
import pwd
import signal
import sys
from pathlib import Path

from collectors.audio.causes.kernel.helper.instance import NoTracingError, remove_abandoned, tracefs
from collectors.audio.causes.kernel.helper.protocol import SOCKET
from collectors.audio.causes.kernel.helper.recording import Recording
from collectors.audio.causes.kernel.helper.server import Server


def main() -> int:
    """Run the recorder; return 1 if it cannot run."""
    arguments = _arguments()
    try:
        root = tracefs()
        removed = remove_abandoned(root)
        if removed:
            _say(f"removed {removed} trace instances of a recorder that was killed")
        if not arguments.clean:
            path = Path(arguments.socket)
            end = _end_of_service()
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            Server(path, _users(arguments.user), lambda: Recording(root)).serve(end)
    except (OSError, NoTracingError) as error:
        _say(str(error))
        return 1
    return 0


def _end_of_service() -> int:
    """Return a descriptor that can be read after SIGTERM or SIGINT."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reading


def _say(text: str) -> None:
    sys.stderr.write(f"wr-agent-recorder: {text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wr-agent-recorder", description=__doc__)
    parser.add_argument("--user", action="append", default=[], help="a user whose agent may connect, next to root")
    parser.add_argument("--socket", default=SOCKET, help="default: %(default)s")
    parser.add_argument("--clean", action="store_true", help="remove what a killed recorder left, and end")
    return parser.parse_args()


def _users(names: list[str]) -> frozenset[int]:
    """Return the numbers of users and of root.

    Raises:
        NoTracingError: There is no such user.
    """
    try:
        return frozenset([os.getuid(), *(int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid for name in names)])
    except KeyError as error:
        raise NoTracingError(f"{error.args[0]}; name the user that runs the agent in the unit's --user") from error


if __name__ == "__main__":
    sys.exit(main())
