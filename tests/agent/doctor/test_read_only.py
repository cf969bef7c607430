"""Doctor changes nothing: neither files, nor settings of the kernel, wherever it looks."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import StartAgent
from tests.support.agent import unmeasured

CONFIG = """
state_dir = "{folder}/state"
loki.url = "http://127.0.0.1:1"
web.listen = "127.0.0.1:1"
[[logs.sources]]
name = "engine"
paths = ["{folder}/*.log"]
"""

CHANGES = (
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,"
    "chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,utimensat,setxattr,mount,umount2,sethostname,settimeofday,"
    "clock_settime"
)


def tree(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return mode, times and content of each file of a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, content)
    return found


def settings() -> dict[str, str]:
    """Return the settings that doctor reads and must not change."""
    names = ["kernel/sched_rt_runtime_us", "vm/swappiness", "fs/inotify/max_user_watches"]
    paths = [Path("/proc/sys") / name for name in names] + [Path("/sys/devices/system/cpu/smt/control")]
    return {str(path): path.read_text() for path in paths if path.exists()}


def changing_calls(trace: str) -> list[str]:
    """The traced calls that changed something."""
    lines = [line.split(maxsplit=1)[-1] for line in trace.splitlines()]
    return [line for line in lines if " = -1 " not in line and not line.startswith(("---", "+++"))]


def doctor(folder: Path, *tracer: str) -> None:
    config = folder / "config.toml"
    subprocess.run(
        [*tracer, sys.executable, "-B", "-m", "agent", "doctor", "--config", str(config), "-v"],
        check=False,
        capture_output=True,
        timeout=120,
        env=unmeasured(HOME=str(folder / "home")),
    )


def test_nothing_changes_though_logs_wait_and_positions_are_corrupt(tmp_path: Path) -> None:
    folder = tmp_path / "machine"
    (folder / "state").mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "state" / "log-positions.json").write_text("{ corrupt")
    (folder / "engine.log").write_text("a line that waits\n" * 100)
    (folder / "config.toml").write_text(CONFIG.format(folder=folder))
    before, set_before = tree(folder), settings()

    doctor(folder)

    assert tree(folder) == before
    assert settings() == set_before


def test_no_system_call_changes_anything(tmp_path: Path) -> None:
    folder = tmp_path / "machine"
    (folder / "state").mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "config.toml").write_text(CONFIG.format(folder=folder) + "[audio]\nenabled = false\n")
    trace = tmp_path / "trace"

    doctor(folder, "strace", "-f", "-qq", "-e", f"trace=?{CHANGES.replace(',', ',?')}", "-o", str(trace))

    assert changing_calls(trace.read_text()) == []


def test_a_running_agents_state_is_left_alone(start_agent: StartAgent) -> None:
    agent = start_agent("host.enabled = false")
    assert agent.url
    before = tree(agent.state_dir)

    agent.command("doctor", "-v")

    assert tree(agent.state_dir) == before
