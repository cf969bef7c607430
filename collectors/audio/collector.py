"""The audio collector, which combines the two observers and the platform's sources.

Owns their tasks and the snapshots that scrapes read. `device` accumulates, `families` exports and `checks` judges.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from collectors.audio.causes import ids
from collectors.audio.causes.analysis_process import ANALYSIS, AnalysisProcess
from collectors.audio.causes.checks import ExplainingState, explaining_checks
from collectors.audio.causes.event import Event
from collectors.audio.causes.evidence import Window
from collectors.audio.causes.explainer import Counted, Explainer
from collectors.audio.causes.kernel.client import KernelRecorder
from collectors.audio.causes.macos import ANALYSIS as COREAUDIO_ANALYSIS
from collectors.audio.causes.macos import CoreAudioEvidence
from collectors.audio.causes.reading import Answer, Query, seconds_of
from collectors.audio.causes.recorder.additions import RenderTimes
from collectors.audio.causes.recorder.recorder import Recorder
from collectors.audio.causes.store import EventStore
from collectors.audio.checks import AudioState, audio_checks
from collectors.audio.config import AudioConfig
from collectors.audio.device import Device, Devices, DeviceView, ProbeStream
from collectors.audio.dropouts import Dropout, Increment, Observation
from collectors.audio.families import device_families, is_up, probe_families
from collectors.audio.history import HistoryView, WatchHistory
from collectors.audio.jack.names import server_name
from collectors.audio.jack.passive import PassiveClient, PassiveView
from collectors.audio.life_log import AudioMoment, LifeLog
from collectors.audio.platform_sources import LinuxSources, MacSources, PlatformSources
from collectors.audio.probe.backoff import Backoff, Machine, pressure
from collectors.audio.probe.plan import ProbePlan, backed_off, probe_plan, wants_passive, watched_device
from collectors.audio.probe.protocol import Exit, StreamInfo
from collectors.audio.probe.runner import POLL_SECONDS, ProbeRunner
from collectors.audio.thresholds import RECENT_NS
from collectors.audio.view import AudioView
from collectors.base import Collector
from collectors.findings import Check
from collectors.metrics import Family
from collectors.offloop import start

_CHANGE_NOTICED_NS = 500_000_000
"""The longest time between a change of settings and the poll that notices it."""
_FREEWHEEL_NOTICED_NS = 500_000_000
"""The longest time between the start of freewheeling and the poll that reads the probe's mark."""
_HISTORY_SECONDS = 1.0
_CHANGE_SETTLES_NS = 1_000_000_000
_CHANGE_NS = 10_000_000_000
"""The longest time for which dropouts belong to a change."""


class AudioCollector(Collector):
    """The collector of the audio device.

    Args:
        config: The section `[audio]`.
        state_directory: The directory of the history of dropouts; `None` to keep it in memory only.
        macos: Whether this is macOS, where CoreAudio replaces JACK.
    """

    name: ClassVar[str] = "audio"
    reads_memory_only: ClassVar[bool] = True

    def __init__(
        self, config: AudioConfig, state_directory: Path | None = None, *, macos: bool = sys.platform == "darwin"
    ) -> None:
        self._config = config
        self._macos = macos
        self._passive: PassiveClient | None = None
        explains = config.explain and not macos
        self._kernel = KernelRecorder(Path(config.kernel_recorder)) if explains and config.kernel_recorder else None
        self._recorder = Recorder(config.jack_server, self._kernel) if explains else None
        self._runner = ProbeRunner(
            self._plan, self._alive_ns, self._open_stream, lambda: self._freewheel_ns() > 0, self._recorder
        )
        self._freewheel_seen_ns = 0
        self._backoff = Backoff()
        self._store = EventStore(state_directory)
        self._ids = ids.Ids()
        self._coreaudio = CoreAudioEvidence() if config.explain and macos else None
        analysis = AnalysisProcess(COREAUDIO_ANALYSIS if macos else ANALYSIS)
        self._explainer = Explainer(self._store, self._recorder or self._coreaudio, analysis)
        self._devices = Devices(self._explainer.suspect)
        self._views: tuple[DeviceView, ...] = ()
        self._watched = ""
        self._earlier: tuple[Event, ...] = ()
        self._history = WatchHistory(state_directory)
        self._life = LifeLog()
        self._sources = self._platform()

    @property
    def settled(self) -> bool:
        """True once the observers had time to find the server and the device, so that the checks can judge."""
        server = self._server()
        if self._wants_passive and not (server.state != "absent" or server.reason or self._is_frozen()):
            return False
        return self._plan() is None or self._runner.settled

    def restore(self) -> None:
        """Read the dropouts of an earlier run and its times of measuring."""
        self._history.restore(time.time())
        self._store.restore()
        self._earlier = tuple(self._store.recent)
        self._ids = ids.Ids(event.id for event in self._earlier)

    async def run(self) -> None:
        """Run the configured observers."""
        if self._wants_passive:
            self._passive = PassiveClient(self._config.jack_server, reported=self._explainer.suspect)
            self._passive.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._recorder is not None:
                    tasks.create_task(self._recorder.run())
                if self._kernel is not None:
                    tasks.create_task(self._kernel.run())
                tasks.create_task(self._runner.run())
                tasks.create_task(self._fold_forever())
                tasks.create_task(self._explainer.run())
                tasks.create_task(self._keep_history())
                tasks.create_task(self._sources.run())
        finally:
            if self._passive is not None:
                await start(self._passive.stop, "stop jack client")

    def collect(self) -> Iterable[Family]:
        """Return the families of all devices seen so far."""
        families = list(device_families(self._views, self._missing(), time.monotonic_ns()))
        if self._config.observers != "passive":
            families += probe_families(self._runner.view(), self._backoff)
        families += self._sources.families()
        return [family for family in families if family.samples]

    def view(self) -> AudioView:
        """Return the live values of all devices."""
        history = HistoryView(self._store.recent, self._history.unwatched, self._history.watched)
        return AudioView(self._views, tuple(self._missing()), time.monotonic_ns(), history)

    def dropouts(self, query: Query) -> Answer:
        """Return the final events of dropouts. Blocks on the disk."""
        return self._store.find(query)

    def ask_plugins(self, render_times: RenderTimes) -> None:
        """Set the function that returns the plugins' render times for the evidence of a dropout."""
        if self._recorder is not None:
            self._recorder.plugins = render_times

    def checks(self) -> Sequence[Check]:
        """Return the checks of audio on this machine."""
        return (*audio_checks(self._state), *explaining_checks(self._explaining), *self._sources.checks())

    def _platform(self) -> PlatformSources:
        if self._macos:
            return MacSources(self._overloaded, explained=self._coreaudio.add if self._coreaudio else lambda _: None)
        return LinuxSources(lambda: self._server().state == "running", lambda: self._freewheel_ns() > 0)

    def _overloaded(self, observation: Observation) -> None:
        """Count an overload with the probe's device, because CoreAudio names none."""
        if stream := self._runner.stream:
            self._device(stream.device).observe(observation)

    @property
    def _wants_passive(self) -> bool:
        return wants_passive(self._config, macos=self._macos)

    def _server(self) -> PassiveView:
        return self._passive.view if self._passive is not None else PassiveView()

    def _plan(self) -> ProbePlan | None:
        plan = probe_plan(self._config, self._server(), macos=self._macos, before=self._watched)
        return backed_off(plan, self._backoff.step)

    def _alive_ns(self) -> int:
        return self._passive.view.cycle_ns if self._passive is not None else time.monotonic_ns()

    def _freewheel_ns(self) -> int:
        """Return the start of the server's freewheeling as the passive client knows it; 0 without it."""
        return self._passive.freewheel_since_ns(time.monotonic_ns()) if self._passive is not None else 0

    def _is_frozen(self) -> bool:
        return self._server().is_frozen(time.monotonic_ns())

    def _state(self) -> AudioState:
        return AudioState(
            config=self._config,
            macos=self._macos,
            server=self._server(),
            frozen=self._is_frozen(),
            freewheeling=self._is_freewheeling(),
            probe_due=self._plan() is not None,
            probe_failure=self._runner.failure,
            stream=self._runner.stream,
            backoff=self._backoff.step,
            rested_ns=self._backoff.rested_ns,
            holders=self._sources.holders(),
            devices=self._views,
            now_ns=time.monotonic_ns(),
            explained=self._recently_explained(),
            earlier=self._earlier_dropouts(),
        )

    def _recently_explained(self) -> tuple[Event, ...]:
        since = time.time() - RECENT_NS / 1e9
        return tuple(event for event in self._store.recent if seconds_of(event.at) >= since)

    def _earlier_dropouts(self) -> Mapping[str, Sequence[Dropout]]:
        """Return the recent dropouts of earlier runs by device, with their times as if they were of this run."""
        unix_ns, now_ns = time.time_ns(), time.monotonic_ns()
        found: dict[str, list[Dropout]] = {}
        for event in self._earlier:
            start_ns = now_ns - (unix_ns - round(seconds_of(event.at) * 1e9))
            end_ns = start_ns + round(event.duration_ms * 1e6)
            if start_ns <= now_ns < end_ns + RECENT_NS:
                found.setdefault(event.device, []).append(Dropout(start_ns, end_ns, 0, 1, frozenset()))
        return found

    def _explaining(self) -> ExplainingState:
        return ExplainingState(
            enabled=self._config.explain,
            macos=self._macos,
            measured=bool(self._views),
            graph_problem=self._recorder.graph_problem() if self._recorder is not None else "",
            kernel_problem=self._kernel.missing if self._kernel is not None else "No kernel recorder is configured.",
            directory=str(self._store.directory or ""),
            store_problem=self._store.problem,
        )

    def _missing(self) -> list[str]:
        """Return the configured device if no device was seen yet."""
        asked_for = self._config.device or self._config.observers != "auto"
        return [self._config.device or "default"] if asked_for and not self._views else []

    def _device(self, name: str) -> Device:
        device = self._devices.named(name)
        if self._macos:
            device.watched_by("coreaudio", "Core Audio")
        return device

    def _open_stream(self, info: StreamInfo) -> ProbeStream:
        return self._device(info.device).open_stream(info)

    async def _keep_history(self) -> None:
        """Save the time until which a device was measured."""
        while True:
            await asyncio.sleep(_HISTORY_SECONDS)
            now_ns = time.monotonic_ns()
            measuring = any(is_up(view, now_ns) for view in self._views)
            await start(partial(self._history.keep, time.time(), measuring=measuring), "save times of measuring")

    async def _fold_forever(self) -> None:
        while True:
            now_ns = time.monotonic_ns()
            self._fold(now_ns)
            # A dropout is on the disk before a scrape can show its count.
            await self._explainer.expect([it for device in self._devices for it in self._counted(device)])
            self._publish(now_ns)
            await asyncio.sleep(POLL_SECONDS)

    def _counted(self, device: Device) -> list[Counted]:
        """Return the dropouts of a device that this poll counted."""
        return [self._count(device, increment) for increment in device.take_dropouts()]

    def _count(self, device: Device, increment: Increment) -> Counted:
        part, now_ns = increment.part(), time.monotonic_ns()
        unix_ns = time.time_ns() - (now_ns - part.start_ns)
        server = self._server()
        window = Window(
            id=self._ids.new(unix_ns),
            at=ids.rfc3339(unix_ns),
            device=device.name,
            server=server_name(self._config.jack_server) if server.seen else "",
            start_ns=part.start_ns,
            end_ns=part.end_ns,
            silent_ns=part.silent_ns,
            period_ns=device.period_ns,
            observations=part.observations,
            load=server.load if server.state == "running" else -1.0,
            server_pid=0,
            own_pids=(),
            cpus=0,
        )
        return Counted(window, increment.part, device.explain, now_ns)

    def _fold(self, now_ns: int) -> None:
        """Take in the passive client's view and settle dropouts."""
        self._fold_freewheel(now_ns)
        if self._passive is not None:
            self._fold_server(self._passive)
        if self._recorder is not None:
            self._recorder.see(self._server(), now_ns, freewheeling=self._is_freewheeling())
        for device in self._devices:
            device.settle(now_ns)

    def _publish(self, now_ns: int) -> None:
        """Renew the snapshots, and judge them."""
        self._views = tuple(device.view() for device in self._devices)
        self._backoff.see(sum(view.own_misses for view in self._views), now_ns, self._machine)
        self._life.see(self._moment(now_ns))

    def _machine(self) -> Machine:
        server = self._server()
        return Machine(pressure(), server.load if server.state == "running" else None)

    def _moment(self, now_ns: int) -> AudioMoment:
        name = server_name(self._config.jack_server)
        return AudioMoment(name, self._server(), self._is_freewheeling(), self._backoff.step, self._views, now_ns)

    def _fold_freewheel(self, now_ns: int) -> None:
        """Mark the watched device, before any observation of this poll is folded."""
        seen_ns = self._freewheel_ns()
        if self._runner.paused:
            seen_ns = seen_ns or self._freewheel_seen_ns or now_ns - _FREEWHEEL_NOTICED_NS
        self._freewheel_seen_ns = seen_ns
        stream = self._runner.stream
        watched = stream.device if stream is not None else self._watched
        for device in self._devices:
            device.freewheel(seen_ns if device.name == watched else 0, now_ns)

    def _is_freewheeling(self) -> bool:
        failure = self._runner.failure
        return self._freewheel_seen_ns > 0 or (failure is not None and failure.code == Exit.FREEWHEELING)

    def _fold_server(self, passive: PassiveClient) -> None:
        xruns = [passive.xruns.popleft() for _ in range(len(passive.xruns))]
        name = watched_device(self._config, passive.view, self._watched)
        for device in self._devices:
            if device.name != name:
                device.leave_server()
        if name:
            self._watched = name
            device = self._device(name)
            device.see_server(passive.view, xruns)
            self._fold_change(device, passive.view)

    def _fold_change(self, device: Device, server: PassiveView) -> None:
        """Join the dropouts of a change of settings, until the probe's new stream has run for a while."""
        now_ns = time.monotonic_ns()
        if not server.changed_ns or now_ns - server.changed_ns > _CHANGE_NS:
            return
        reopened_ns = self._runner.opened_ns
        is_pending = self._plan() is not None and reopened_ns < server.changed_ns
        last_ns = now_ns if is_pending else max(server.changed_ns, reopened_ns)
        device.settings_changed(server.changed_ns - _CHANGE_NOTICED_NS, last_ns + _CHANGE_SETTLES_NS)
