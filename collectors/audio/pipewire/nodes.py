"""PipeWire's measurements of its nodes: wait time, busy time and errors.

Owns running `pw-top`, the families and the findings; `pw_top` parses the output. Xruns, DSP load and latency of the
graph come through PipeWire's JACK, from `jack.passive`. Without a server's socket nothing is run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from collectors import remedies, system_packages
from collectors.audio.pipewire.pw_top import BATCH_SINCE, Node, parse_nodes, parse_version
from collectors.child_process import end_child, start_child
from collectors.findings import Finding, Severity
from collectors.metrics import Family, LabelValues, counter, gauge

_LOOK_SECONDS = 10.0
_DEADLINE_SECONDS = 5.0
_LABELS = ("node",)
_LIBRARY_PATHS = Path("/usr/share/doc/pipewire/examples/ld.so.conf.d")
"""The folder of Debian's prepared paths of PipeWire's JACK library."""
MOST_NODES = 256
"""The limit of nodes with series: any program of the user may create nodes under any name."""


def server_socket(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the socket of this user's PipeWire server; None if there is none."""
    folder = environment.get("PIPEWIRE_RUNTIME_DIR") or environment.get("XDG_RUNTIME_DIR")
    path = Path(folder or "/nonexistent") / environment.get("PIPEWIRE_REMOTE", "pipewire-0")
    return path if path.is_socket() else None


class PipeWireNodes:
    """The nodes of this user's PipeWire server.

    Args:
        command: The command to run as `pw-top`; a seam for tests.
        socket: Function that finds the server's socket; a seam for tests.
        freewheels: Function that returns whether the server freewheels. Meanwhile `pw-top` is not run.
    """

    def __init__(
        self,
        command: str = "pw-top",
        socket: Callable[[], Path | None] = server_socket,
        freewheels: Callable[[], bool] = bool,
    ) -> None:
        self._command = command
        self._socket = socket
        self._freewheels = freewheels
        self._version: tuple[int, int, int] | None = None
        self._nodes: tuple[Node, ...] = ()
        self._left_out = 0
        self._known: dict[tuple[int, str], int] = {}
        self._late: frozenset[str] = frozenset()
        self._long_late: frozenset[str] = frozenset()
        self._errors: dict[str, int] = {}

    async def run(self) -> None:
        """Poll every ten seconds until cancelled; cancellation ends a running `pw-top`."""
        while True:
            if not self._freewheels():
                await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Poll all nodes once.

        This takes a second or two: the first table has no numbers, and the second has only some of them.
        """
        if self._socket() is None or shutil.which(self._command) is None:
            self._take(())
            return
        self._version = self._version or parse_version(await self._output("--version"))
        if self._version is not None and self._version >= BATCH_SINCE:
            self._take(parse_nodes(await self._output("--batch-mode", "--iterations=3")))

    def families(self) -> list[Family]:
        """Return the families of all nodes; the worst value counts for several nodes of one name."""
        return [family for family in node_families(self._nodes, self._errors) if family.samples]

    def findings(self, *, jack_answers: bool) -> list[Finding]:
        """Return the findings about nodes and about what the agent cannot read of them.

        Args:
            jack_answers: Whether the passive client is connected to a server.
        """
        if self._socket() is None:
            return []
        found = [] if jack_answers else [_without_jack()]
        if shutil.which(self._command) is None:
            found.append(_without_tools())
        elif self._version is not None and self._version < BATCH_SINCE:
            found.append(_too_old(self._version))
        broken = sorted(node.name for node in self._nodes if node.state == "E")
        if self._left_out:
            found.append(_too_many(self._left_out))
        return found + [_broken(name) for name in broken] + [_late(name) for name in sorted(self._long_late)]

    def _take(self, listed: tuple[Node, ...]) -> None:
        nodes, self._left_out = listed[:MOST_NODES], max(len(listed) - MOST_NODES, 0)
        total = Counter(self._errors)
        for node in nodes:
            if node.errors is not None:
                before = self._known.get((node.id, node.name), 0)
                total[node.name] += node.errors - before if node.errors >= before else node.errors
                self._known[node.id, node.name] = node.errors
        if nodes:  # one failure of pw-top must not count the same errors twice
            there = {(node.id, node.name) for node in nodes}
            self._known = {key: errors for key, errors in self._known.items() if key in there}
        late = frozenset(node.name for node in nodes if node.late)
        self._long_late = late & self._late
        self._late = late
        self._errors = _bounded(total, {node.name for node in nodes})
        self._nodes = nodes

    async def _output(self, *options: str) -> str:
        """Return the command's output; empty if it fails or exceeds its deadline."""
        process = await start_child(
            *(self._command, *options),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            env=os.environ | {"LC_ALL": "C"},  # other locales print decimal commas
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
        except TimeoutError:
            return ""
        finally:
            await end_child(process)
        return output.decode(errors="replace")


def _bounded(errors: Mapping[str, int], there: set[str]) -> dict[str, int]:
    """Return at most `MOST_NODES` names; the oldest of the removed nodes are dropped first."""
    gone = [name for name in errors if name not in there]
    forgotten = set(gone[: max(len(errors) - MOST_NODES, 0)])
    return {name: count for name, count in errors.items() if name not in forgotten}


def node_families(nodes: Iterable[Node], errors: Mapping[str, int]) -> Iterable[Family]:
    """Yield the families of nodes.

    Args:
        nodes: The nodes that exist now.
        errors: Errors so far by node name.
    """
    nodes = tuple(nodes)

    def each(value: Callable[[Node], float | None]) -> dict[LabelValues, float]:
        samples: dict[LabelValues, float] = {}
        for node in nodes:
            if (found := value(node)) is not None:
                samples[node.name,] = max(found, samples.get((node.name,), found))
        return samples

    info: dict[LabelValues, float] = {(n.name, n.driver, n.state, n.format): 1.0 for n in nodes}
    yield gauge("audio_pipewire_node_info", "A node of PipeWire's graph.", info, ("node", "driver", "state", "format"))
    help_ = "Frames a cycle: of a driver the effective number, of other nodes the requested one."
    yield gauge("audio_pipewire_node_quantum_frames", help_, each(lambda n: n.quantum or None), _LABELS)
    help_ = "Frames a second: of a driver the effective rate, of other nodes the requested one."
    yield gauge("audio_pipewire_node_sample_rate_hertz", help_, each(lambda n: n.rate or None), _LABELS)
    help_ = "Time of one cycle until the node woke up; of a driver, until the whole graph was finished."
    yield gauge("audio_pipewire_node_wait_seconds", help_, each(lambda n: n.wait), _LABELS)
    help_ = "Time of one cycle that the node was busy."
    yield gauge("audio_pipewire_node_busy_seconds", help_, each(lambda n: n.busy), _LABELS)
    help_ = "Time of one cycle that the node was busy, as a ratio of the cycle's duration."
    yield gauge("audio_pipewire_node_busy_ratio", help_, each(_busy_ratio), _LABELS)
    totals: dict[LabelValues, float] = {(name,): count for name, count in errors.items()}
    yield counter("audio_pipewire_node_errors_total", "Xruns and errors of the node.", totals, _LABELS)


def _busy_ratio(node: Node) -> float | None:
    return node.busy / node.period if node.busy is not None and node.period else None


def _without_jack() -> Finding:
    return Finding(
        code="audio-pipewire-without-jack",
        title="PipeWire runs, but the agent cannot connect to its JACK",
        severity=Severity.WARNING,
        detail="A PipeWire server's socket exists, but the JACK library that the agent loaded finds no server. The"
        " library is jackd's, or PipeWire's JACK is not installed.",
        affects="xruns, DSP load, buffer timing and levels of PipeWire's graph are not measured.",
        remedy=(
            *(() if remedies.is_installed("pw-jack") else remedies.install("pipewire-jack")),
            "pw-jack wr-agent run  # as the user whose PipeWire it is",
            *_for_all_programs(),
        ),
    )


def _for_all_programs() -> tuple[str, ...]:
    """Return the commands that replace jackd's library, where the distribution has them prepared."""
    if not any(_LIBRARY_PATHS.glob("pipewire-jack-*.conf")):
        return ()
    return (
        f"sudo cp {_LIBRARY_PATHS}/pipewire-jack-*.conf /etc/ld.so.conf.d/  # or for",
        "sudo ldconfig  # all programs of the machine, instead of jackd's library",
    )


def _without_tools() -> Finding:
    return Finding(
        code="audio-pipewire-tools-missing",
        title="PipeWire's tools are missing",
        severity=Severity.INFO,
        detail="A PipeWire server's socket exists, but pw-top is not in the agent's PATH.",
        affects="Load and errors of each node are not exported.",
        remedy=remedies.install("pipewire-tools"),
    )


def _too_old(version: tuple[int, int, int]) -> Finding:
    def text(parts: tuple[int, int, int]) -> str:
        return ".".join(map(str, parts))

    return Finding(
        code="audio-pipewire-old",
        title="This PipeWire's pw-top has no batch mode",
        severity=Severity.INFO,
        detail=f"Expected PipeWire {text(BATCH_SINCE)} or later, whose pw-top has a batch mode, found {text(version)}.",
        affects="Load and errors of each node are not exported. Metrics through PipeWire's JACK are.",
        remedy=_later_version(),
    )


def _later_version() -> tuple[str, ...]:
    if system_packages.release() == "debian 12":
        return ("enable bookworm-backports, then: sudo apt-get install -t bookworm-backports pipewire-bin",)
    return ("install a later PipeWire with a later release of this system",)


def _too_many(left_out: int) -> Finding:
    return Finding(
        code="audio-pipewire-many-nodes",
        title="PipeWire has more nodes than the agent exports",
        severity=Severity.WARNING,
        detail=f"Expected at most {MOST_NODES} nodes, found {left_out} more.",
        affects="Load and errors of the nodes that pw-top lists last are not exported.",
        remedy=("pw-top  # shows which program creates nodes without removing them",),
    )


def _broken(name: str) -> Finding:
    return Finding(
        code="audio-pipewire-node-broken",
        title="A PipeWire node is in error",
        severity=Severity.FAILURE,
        detail=f"PipeWire could not start the node {name!r}.",
        affects="Nothing is played or recorded on it, and the nodes that it drives do not run.",
        remedy=(
            *remedies.command("journalctl --user -u pipewire -n 50", "shows the reason"),
            *remedies.command("systemctl --user restart pipewire wireplumber"),
        ),
    )


def _late(name: str) -> Finding:
    return Finding(
        code="audio-pipewire-node-late",
        title="A PipeWire node does not keep up",
        severity=Severity.WARNING,
        detail=f"The node {name!r} did not finish before its cycle ended, in two polls in a row.",
        affects="The graph loses cycles, which are audible as dropouts.",
        remedy=("pw-top  # its ERR column grows", "restart the program, or give it a larger buffer"),
    )
