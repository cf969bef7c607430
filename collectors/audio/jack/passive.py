"""The passive observer: a JACK client without a stream, which costs 0.01 % of a core.

Owns the connection to the server. The connection has its own thread, because a frozen server blocks its callers without
a limit. `jack_last_frame_time` advances with each cycle and stops with the server, which shows a frozen server
(`jack_frame_time` is extrapolated and goes on). The client sees no buffers: the probe measures timing and levels.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal

from collectors.audio.dropouts import Observation
from collectors.audio.jack.events import JackEvents, check_platform, silence
from collectors.audio.jack.failures import call_reason, open_reason
from collectors.audio.jack.freewheel import Freewheel, keeps_real_time
from collectors.audio.jack.homebrew import make_libraries_findable
from collectors.audio.jack.latency import latencies
from collectors.audio.jack.names import client_name, server_name
from collectors.audio.jack.server_process import ServerProcess, find_server
from collectors.audio.jack.xrun_times import XrunTimes
from collectors.plain_errors import plain_text, unexpected

CLIENT_NAME = "wr-agent"
_RETRY_SECONDS = 1.0
_POLL_NS = 250_000_000
_LOOK_NS = 100_000_000
"""The longest wait for an xrun. A starved process sees an xrun late, so its time is known only to one wait."""
_POLLS_A_LOOK_AT_PORTS = 8  # listing ports costs a hundred times as much as all else that is polled
_FROZEN_NS = 1_000_000_000
_STOP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PassiveView:
    """The passive client's view of the server.

    Attributes:
        state: `unavailable` is a missing library, `absent` a server that does not answer, `refused` a server that
            accepts no further client.
        reason: The reason why it is not `running`.
        since_ns: Monotonic time of the start of this state.
        attempt_ns: Monotonic time of the start of a pending connection; 0 if none is pending.
        seen: Whether a server has run since the agent started.
        process: The process of the last server; None if it is unknown.
        rate: Frames a second.
        block: Frames a cycle.
        load: The graph's DSP load, as a ratio.
        before: Rate and block before their last change; empty without a change.
        changed_ns: Monotonic time of that change.
        devices: JACK's names of the clients that own physical audio ports, the default device first.
        latencies: Input and output latency of each device, in frames.
        cycle_ns: Monotonic time of the last poll that found a new cycle. Every poll counts while the server freewheels,
            because a cycle then takes as long as the export needs.
        freewheel_ns: Monotonic time of the start of freewheeling, as `Freewheel.since_ns`; 0 without it.
    """

    state: Literal["unavailable", "absent", "refused", "running"] = "absent"
    reason: str = ""
    since_ns: int = 0
    attempt_ns: int = 0
    seen: bool = False
    process: ServerProcess | None = None
    rate: int = 0
    block: int = 0
    before: tuple[int, ...] = ()
    changed_ns: int = 0
    load: float = 0.0
    devices: tuple[str, ...] = ()
    latencies: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cycle_ns: int = 0
    freewheel_ns: int = 0

    def is_frozen(self, now_ns: int) -> bool:
        """Return whether the server exists but has run no cycle, or answered no new client, for a second."""
        if self.state == "running":
            return now_ns - self.cycle_ns > _FROZEN_NS
        return self.attempt_ns > 0 and now_ns - self.attempt_ns > _FROZEN_NS


class PassiveClient:
    """The connection to a JACK server, renewed whenever a server answers.

    Args:
        server: The server's name; empty for libjack's own default.
        load_library: Function that imports JACK-Client; a seam for tests.
        reported: Called in this client's thread with the monotonic time of each xrun or end of the server, at once.

    Attributes:
        view: The present state; replaced as a whole.
        xruns: Queue of observations for the collector.
    """

    def __init__(
        self,
        server: str,
        load_library: Callable[[], ModuleType] | None = None,
        reported: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._server = server or None
        self._name = client_name(CLIENT_NAME, server)
        self._load_library = load_library or _load_jack
        self._reported = reported
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jack-passive", daemon=True)
        self._freewheel: Freewheel | None = None
        self.view = PassiveView(since_ns=time.monotonic_ns())
        self.xruns: deque[Observation] = deque(maxlen=4096)

    def start(self) -> None:
        """Start to poll for the server."""
        self._thread.start()

    def freewheel_since_ns(self, now_ns: int) -> int:
        """Return the start of freewheeling at this moment, more recent than the view's; 0 without it."""
        freewheel = self._freewheel
        return freewheel.since_ns(now_ns) if freewheel is not None else self.view.freewheel_ns

    def stop(self) -> None:
        """Disconnect. A frozen server keeps the thread blocked until the server ends."""
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            jack = self._load_library()
        except (ImportError, OSError) as error:  # JACK-Client raises OSError where libjack is missing
            self._set(state="unavailable", reason=plain_text(error), since_ns=time.monotonic_ns())
            return
        while not self._stop.is_set():
            try:
                self._connect(jack)
            except Exception as error:  # noqa: BLE001 - the next connection may succeed, whatever failed
                self._lose(unexpected(error))
            self._stop.wait(_RETRY_SECONDS)

    def _connect(self, jack: ModuleType) -> None:
        """Hold one connection until it ends."""
        self._set(attempt_ns=time.monotonic_ns())
        try:
            client = jack.Client(self._name, no_start_server=True, servername=self._server)
        except jack.JackOpenError as error:
            refused = error.status.server_error
            self._set(state="refused" if refused else "absent", attempt_ns=0, reason=open_reason(error))
            return
        try:
            self._follow(jack, client)
        except jack.JackError as error:
            self._lose(call_reason(error))
        finally:
            client.close()

    def _follow(self, jack: ModuleType, client: Any) -> None:  # noqa: ANN401 - JACK-Client carries no types
        events = JackEvents(jack, client)
        self._look_at_ports(jack, client)
        self._await_real_time(client)
        self._freewheel = Freewheel(events.freewheel, lambda: bool(client.realtime), time.monotonic_ns())
        client.activate()
        times = XrunTimes(time.monotonic_ns())
        self._look(events, times)  # PipeWire reports freewheeling in the first cycle
        frame_time = self._poll(client, -1)
        process = find_server(server_name(self._server or ""))
        self._set(state="running", reason="", since_ns=time.monotonic_ns(), attempt_ns=0, seen=True, process=process)
        polls = 0
        polled_ns = time.monotonic_ns()
        while not self._stop.is_set():
            self._look(events, times)
            now_ns = time.monotonic_ns()
            if events.over:  # JACK reports a crash and a stop alike, and audio ends with both
                self._reported(now_ns)
                self.xruns.append(Observation("jack", "shutdown", times.reported(now_ns), now_ns))
                break
            if now_ns - polled_ns < _POLL_NS:
                continue
            polled_ns = now_ns
            polls += 1
            if polls % _POLLS_A_LOOK_AT_PORTS == 0:
                self._look_at_ports(jack, client)
            frame_time = self._poll(client, frame_time)
        self._lose("the server has closed the connection" if events.over else "stopped")

    def _await_real_time(self, client: Any) -> None:  # noqa: ANN401 - JACK-Client carries no types
        """Wait before the activation until the server does not freewheel."""
        rate, block = int(client.samplerate), int(client.blocksize)
        while not (
            self._stop.is_set()
            or client.realtime
            or keeps_real_time(rate, block, lambda: int(client.last_frame_time), self._stop.wait)
        ):
            now_ns = time.monotonic_ns()
            since_ns = self.view.freewheel_ns or now_ns
            self._set(
                state="running", reason="", attempt_ns=0, rate=rate, block=block, cycle_ns=now_ns, freewheel_ns=since_ns
            )

    def _look(self, events: JackEvents, times: XrunTimes) -> None:
        """Wait up to `_LOOK_NS` for an xrun."""
        until_ns = time.monotonic_ns() + _LOOK_NS
        if events.wait_xrun(_LOOK_NS / 1e9):
            now_ns = time.monotonic_ns()
            self._reported(now_ns)
            self.xruns.append(Observation("jack", "xrun", times.reported(now_ns), now_ns))
        else:
            times.quiet(until_ns, time.monotonic_ns())

    def _poll(self, client: Any, before: int) -> int:  # noqa: ANN401 - JACK-Client carries no types
        """Poll the server once; return the start of its last cycle in frames."""
        frame_time = int(client.last_frame_time)
        now_ns = time.monotonic_ns()
        freewheel_ns = self.freewheel_since_ns(now_ns)
        self._see_settings(int(client.samplerate), int(client.blocksize))
        self._set(
            load=client.cpu_load() / 100,
            cycle_ns=self.view.cycle_ns if frame_time == before and not freewheel_ns else now_ns,
            freewheel_ns=freewheel_ns,
        )
        return frame_time

    def _see_settings(self, rate: int, block: int) -> None:
        before = self.view.rate, self.view.block
        if all(before) and before != (rate, block):
            self._set(before=before, changed_ns=time.monotonic_ns())
        self._set(rate=rate, block=block)

    def _look_at_ports(self, jack: ModuleType, client: Any) -> None:  # noqa: ANN401 - JACK-Client carries no types
        try:
            ports = client.get_ports(is_physical=True, is_audio=True)
            self._set(devices=_owners(ports), latencies=latencies(jack, ports))
        except (jack.JackError, UnicodeDecodeError):  # a port was removed since the listing, or its name is not UTF-8
            return

    def _lose(self, reason: str) -> None:
        self._freewheel = None
        self._set(state="absent", reason=reason, since_ns=time.monotonic_ns(), attempt_ns=0, freewheel_ns=0)

    def _set(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of PassiveView
        self.view = replace(self.view, **changes)


def _load_jack() -> ModuleType:
    check_platform()
    make_libraries_findable()
    import jack

    silence(jack)
    return jack  # type: ignore[no-any-return] # JACK-Client carries no types


def _owners(ports: list[Any]) -> tuple[str, ...]:
    """Return the clients that own the ports; capturing clients first, because the probe can listen to them."""
    capturing_first = sorted(ports, key=lambda port: not port.is_output)
    return tuple(dict.fromkeys(port.name.rpartition(":")[0] for port in capturing_first))
