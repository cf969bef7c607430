"""The kernel recorder under a real systemd, with all of its hardening."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.support.kernel_recorder import mount_tracefs
from tests.support.systemd import IsolatedSystemd, isolated_systemd
from tests.support.waiting import eventually

UNIT = "wr-agent-recorder.service"

AGENT = (sys.executable, "-m", "agent")

CAPTURE = """
import asyncio, os, time
from collectors.audio.causes.kernel import captured, namespaces
from collectors.audio.causes.kernel.client import KernelRecorder

namespaces.INITIAL = os.readlink("/proc/self/ns/pid")  # this test's own

async def main():
    client = KernelRecorder()
    running = asyncio.create_task(client.run())
    deadline = time.monotonic() + 30
    while client.state == "absent" and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    print(client.state, client.reason)
    if client.state == "connected":
        await asyncio.sleep(0.5)
        now = time.monotonic_ns()
        descriptor = await client.capture(now - 300_000_000, now)
        print(len(captured.read(descriptor).switches) > 20, os.getuid() > 0)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def systemd() -> Iterator[IsolatedSystemd]:
    mount_tracefs()
    with isolated_systemd() as manager:
        manager.run("useradd", "--system", "studio")
        yield manager


@pytest.fixture
def installed(systemd: IsolatedSystemd) -> IsolatedSystemd:
    done = systemd.run(*AGENT, "service", "install", "--recorder", "--as", "studio")
    assert "wr-agent-recorder runs" in done.stdout
    return systemd


def instances(systemd: IsolatedSystemd) -> list[str]:
    """Return the trace instances of the recorder, which has no other one's number."""
    main = systemd.show("MainPID", UNIT)
    listed = systemd.run("ls", "/sys/kernel/tracing/instances").stdout.split()
    return [name for name in listed if name.startswith(f"wr-agent-recorder-{main}-")]


def test_serves_its_user_without_a_capability(installed: IsolatedSystemd) -> None:
    done = installed.run(sys.executable, "-c", CAPTURE, user="studio")

    assert done.stdout.split("\n")[:2] == ["connected ", "True True"]
    main = installed.show("MainPID", UNIT)
    fields = dict(line.split(":\t", 1) for line in installed.run("cat", f"/proc/{main}/status").stdout.splitlines())
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"  # a filter
    assert int(fields["VmRSS"].split()[0]) < 64 * 1024
    eventually(lambda: not instances(installed), "nothing is traced without an agent")


def test_refuses_another_user(installed: IsolatedSystemd) -> None:
    done = installed.run(sys.executable, "-c", CAPTURE, user="daemon")

    assert done.stdout.startswith("refused user 1 may not use the kernel recorder")


def test_starts_again_when_it_was_killed(installed: IsolatedSystemd) -> None:
    before = installed.show("MainPID", UNIT)
    installed.run("kill", "-KILL", before)
    eventually(lambda: installed.show("MainPID", UNIT) not in {before, "0"}, "it starts again")

    assert installed.run(sys.executable, "-c", CAPTURE, user="studio").stdout.startswith("connected")


def test_uninstall_leaves_nothing(installed: IsolatedSystemd) -> None:
    done = installed.run(*AGENT, "service", "uninstall", "--recorder", "--as", "studio")

    assert "kept nothing" in done.stdout
    assert installed.show("LoadState", UNIT) == "not-found"
    assert installed.run("ls", "/usr/local/lib/wr-agent-recorder", check=False).returncode != 0
