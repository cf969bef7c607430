import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.log_files import Agent, Sink, settings
from tests.support.waiting import soon

MODES = {
    "create": "create",
    "copytruncate": "copytruncate",
    "compress": "create\ncompress",
    "delaycompress": "create\ncompress\ndelaycompress",
    "copytruncate and compress": "copytruncate\ncompress",
    "olddir": "create\nolddir old\ncreateolddir 755",
    "olddir and compress": "create\nolddir old\ncreateolddir 755\ncompress",
    "dateext": "create\ndateext\ndateformat -%Y%m%d-%s",
}


def rotate(folder: Path, log: Path, mode: str) -> bool:
    """Tell if it did: a name with its second cannot be made twice in that second."""
    configuration = folder / "logrotate.conf"
    configuration.write_text(f"{log} {{\nrotate 9\nsu root root\n{mode}\n}}\n")
    configuration.chmod(0o600)
    done = subprocess.run(["logrotate", "--force", "--state", folder / "status", configuration], check=False)
    return done.returncode == 0


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_logrotate_loses_and_repeats_nothing(
    agent: Agent, sink: Sink, logs: Path, tmp_path: Path, mode: str, pattern: str
) -> None:
    log = logs / "app.log"
    log.write_bytes(b"first 0\n")
    await agent.start(sink, settings(logs / pattern))
    await soon(lambda: sink.lines)
    expected = [b"first 0"]
    for number in range(1, 7):
        if number == 3:
            await agent.stop()
        with log.open("ab") as file:
            file.writelines(b"round %d line %d\n" % (number, line) for line in range(number * 50))
        expected += [b"round %d line %d" % (number, line) for line in range(number * 50)]
        await soon(partial(rotate, tmp_path, log, mode))
        if number == 5:
            await agent.start(sink, settings(logs / pattern))

    await soon(lambda: len(sink.lines) >= len(expected))
    await agent.stop()
    assert sink.lines == expected
