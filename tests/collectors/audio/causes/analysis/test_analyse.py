"""The analysis of invented dropouts, at each level of evidence."""

from collections.abc import Callable

import msgspec
import pytest

from collectors.audio.causes.analysis.analyse import analyse, primary
from collectors.audio.causes.analysis.scene import Delay, Scene, Split
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.evidence import GroupLook, GroupTrack, Incident, PluginTime, ThreadTrack
from tests.support.dropout_story import DROPOUT, MS, Story

LEVELS = pytest.mark.parametrize("level", [0, 1, 2])


def told(level: int, tell: Callable[[Story], None], *, realtime: bool = True) -> Event:
    """Return the event of a story."""
    story = Story(realtime=realtime)
    tell(story)
    return analyse(story.evidence(level))


def pid(event: Event) -> int:
    """Return the culprit's process."""
    return event.culprit.pid if event.culprit else 0


@LEVELS
def test_a_client_that_computes_for_too_long_is_the_culprit(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["reverb"].late = (("R", 26),)

    event = told(level, tell)

    assert (event.cause, pid(event), event.victim) == (Cause.CLIENT_CPU, 200, "reverb")
    assert event.explained_ms == pytest.approx(26, rel=0.3)
    assert event.confidence >= 0.8
    assert "reverb needed" in event.text
    assert "for a buffer of 5.3 ms, in its own callback" in event.text


def test_a_slow_plugin_is_named_inside_its_client() -> None:
    def tell(story: Story) -> None:
        story.clients["reverb"].late = (("R", 26),)
        story.plugins = [
            PluginTime(pid=200, plugin="shimmer", slowest_ms=25, over=1),
            PluginTime(pid=210, plugin="other", slowest_ms=30, over=1),
        ]

    assert "in its plugin `shimmer`" in told(1, tell).text


@LEVELS
def test_a_client_that_waits_in_its_callback_is_the_culprit(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["synth"].late = (("S", 26),)

    event = told(level, tell)

    assert (event.cause, pid(event)) == (Cause.CLIENT_WAIT, 210)


@LEVELS
def test_a_stopped_client_is_the_culprit(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["reverb"].late = (("R", 0.05), ("T", 100))
        story.idle_woken = {200}

    event = told(level, tell)

    assert (event.cause, pid(event)) == (Cause.CLIENT_STOPPED, 200)


@LEVELS
def test_a_stopped_server_is_told_from_a_late_timer(level: int) -> None:
    def tell(story: Story) -> None:
        story.server_late = (("R", 0.02), ("T", 100))
        story.idle_woken = {100}

    event = told(level, tell)

    assert (event.cause, event.victim) == (Cause.SERVER_STOPPED, "server")
    assert event.explained_ms == pytest.approx(100, rel=0.3)


@LEVELS
@pytest.mark.parametrize("victim", ["server", "synth"])
def test_a_program_of_higher_priority_is_named_with_its_priority(level: int, victim: str) -> None:
    def tell(story: Story) -> None:
        actor = story.server if victim == "server" else story.clients[victim]
        if victim == "server":
            story.server_late = (("W", 40),)
        else:
            actor.late = (("W", 40),)
        story.hog("export-job", 500, actor, 40)

    event = told(level, tell)

    assert (event.cause, pid(event), event.victim) == (Cause.PREEMPTED, 500, victim)
    assert event.explained_ms == pytest.approx(40, rel=0.3)
    assert "export-job (pid 500, real-time priority 80) held CPU" in event.text


@LEVELS
def test_a_busy_program_delays_a_graph_without_priority(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["synth"].late = (("W", 40),)
        story.hog("make", 500, story.clients["synth"], 40, priority=0)

    event = told(level, tell, realtime=False)

    assert (event.cause, pid(event)) == (Cause.CONTENTION, 500)


@LEVELS
def test_a_used_up_quota_is_the_cause(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["synth"].late = (("W", 80),)
        looks = (GroupLook(DROPOUT - 100 * MS, 3, 7), GroupLook(DROPOUT + 300 * MS, 4, 80 * MS))
        story.groups = [GroupTrack(path="/studio", quota=0.05, pids=(210,), looks=looks)]

    event = told(level, tell, realtime=False)

    assert event.cause is Cause.QUOTA
    assert "/studio" in event.text


@LEVELS
@pytest.mark.parametrize(("faults", "cause"), [(0, Cause.IO), (9, Cause.MEMORY)])
def test_a_wait_for_a_disk_is_memory_if_pages_were_missing(level: int, faults: int, cause: Cause) -> None:
    def tell(story: Story) -> None:
        story.clients["drums"].late = (("R", 0.05), ("D", 30))
        story.faults = {"drums": faults}

    event = told(level, tell)

    assert (event.cause, event.victim) == (cause, "drums")


@LEVELS
def test_the_agents_own_client_is_not_excused(level: int) -> None:
    def tell(story: Story) -> None:
        story.probe.late = (("R", 0.05), ("T", 100))
        story.idle_woken = {900}

    assert told(level, tell).cause is Cause.AGENT


def test_a_stop_comes_before_a_short_wait_of_another() -> None:
    def late(name: str, role: str, *, inside: bool = False, **states: int) -> Delay:
        split = Split(**{state: ms * MS for state, ms in states.items()})
        return Delay(name, role, 1, None, ((DROPOUT, DROPOUT + split.total),), split.total, split, inside=inside)

    agent = late("wr-agent", "agent", stopped=173)
    others = (late("server", "server", asleep=9), late("reverb", "client", inside=True, asleep=5))

    assert primary(Scene.of(Story().evidence(1)), (agent, *others)) is agent
    assert primary(Scene.of(Story().evidence(1)), others) is others[1]


@LEVELS
def test_nothing_unusual_is_unknown(level: int) -> None:
    event = told(level, lambda _story: None)

    assert (event.cause, event.confidence) == (Cause.UNKNOWN, 0)
    assert event.text.startswith("Not known: nothing unusual was seen")
    assert ("without kernel tracing" in event.text) is (level < 2)


@LEVELS
@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("server_ended", Cause.SERVER_DIED),
        ("settings", Cause.SETTINGS),
        ("resumed", Cause.SUSPEND),
        ("device_gone", Cause.DEVICE),
    ],
)
def test_an_incident_at_the_time_of_the_dropout_is_its_cause(level: int, kind: str, cause: Cause) -> None:
    def tell(story: Story) -> None:
        story.incidents = [Incident(at_ns=DROPOUT, since_ns=DROPOUT - 100 * MS, kind=kind, name="default")]

    assert told(level, tell).cause is cause


@LEVELS
def test_a_client_that_died_is_named(level: int) -> None:
    def tell(story: Story) -> None:
        story.incidents = [
            Incident(at_ns=DROPOUT, since_ns=DROPOUT - MS, kind="process_ended", name="x", pid=200, text="signal 9")
        ]

    event = told(level, tell)

    assert (event.cause, pid(event)) == (Cause.CLIENT_DIED, 200)
    assert "signal 9" in event.text


def test_an_incident_long_before_is_not_the_cause() -> None:
    def tell(story: Story) -> None:
        story.incidents = [
            Incident(at_ns=DROPOUT - 2500 * MS, since_ns=DROPOUT - 2600 * MS, kind="process_ended", pid=200)
        ]

    assert told(1, tell).cause is Cause.UNKNOWN


def test_the_sender_of_a_stop_is_named_where_the_trace_shows_it() -> None:
    def tell(story: Story) -> None:
        story.clients["reverb"].late = (("R", 0.05), ("T", 100))
        story.hog("debugger", 700, story.probe, 0.01, priority=0)
        story.signals = [(DROPOUT + MS, 701, 19, 201)]

    event = told(2, tell)

    assert event.cause is Cause.CLIENT_STOPPED
    assert "by debugger (pid 700)" in event.text


@LEVELS
@pytest.mark.parametrize("loads", [{"reverb": 2.6, "synth": 2.6, "drums": 2.6}, {"reverb": 3.3, "synth": 3.3}])
def test_many_clients_are_an_overload(level: int, loads: dict[str, float]) -> None:
    def tell(story: Story) -> None:
        story.overload = loads

    event = told(level, tell)

    assert event.cause is Cause.OVERLOAD
    assert event.culprit is None


@LEVELS
def test_one_heavy_client_among_light_ones_is_no_overload(level: int) -> None:
    def tell(story: Story) -> None:
        story.overload = {"reverb": 6.3, "synth": 0.3}

    event = told(level, tell)

    assert (event.cause, pid(event)) == (Cause.CLIENT_CPU, 200)


@pytest.mark.parametrize("level", [1, 2])
def test_a_client_far_later_than_the_server_is_the_culprit(level: int) -> None:
    def tell(story: Story) -> None:
        story.clients["reverb"].late = (("R", 40),)
        story.server_late = (("W", 5),)
        story.hog("export-job", 500, story.server, 5)

    event = told(level, tell)

    assert (event.cause, pid(event)) == (Cause.CLIENT_CPU, 200)


@pytest.mark.parametrize(
    ("loads", "cause", "culprit"),
    [
        ({"reverb": 6.5, "synth": 0.3}, Cause.CLIENT_CPU, 200),
        ({"reverb": 3.3, "synth": 3.3}, Cause.OVERLOAD, 0),
    ],
)
def test_a_client_is_named_that_alone_used_up_the_time_of_real_time_priority(
    loads: dict[str, float], cause: Cause, culprit: int
) -> None:
    def tell(story: Story) -> None:
        story.overload = loads
        story.server_late = (("W", 49),)

    event = told(1, tell)

    assert (event.cause, pid(event)) == (cause, culprit)


@LEVELS
def test_the_agents_own_client_stays_its_own_after_it_was_killed(level: int) -> None:
    story = Story()
    story.probe.late = (("R", 0.05), ("T", 100))
    story.idle_woken = {900}
    evidence = story.evidence(level)
    window = msgspec.structs.replace(evidence.window, own_pids=(1,))

    assert analyse(msgspec.structs.replace(evidence, window=window)).cause is Cause.AGENT


@pytest.mark.parametrize(("disk", "cause"), [(3, Cause.IO), (0, Cause.STEAL)])
def test_time_on_a_processor_that_the_kernel_did_not_count_was_a_wait_for_the_host(disk: float, cause: Cause) -> None:
    story = Story()
    drums = story.clients["drums"]
    drums.late = (("R", 26), ("D", disk)) if disk else (("R", 26),)
    evidence = story.evidence(2)
    threads = tuple(_counted_less(it, 26) if it.tid == drums.tid else it for it in evidence.threads)

    event = analyse(msgspec.structs.replace(evidence, threads=threads))

    assert (event.cause, event.victim) == (cause, "drums")


def _counted_less(track: ThreadTrack, ms: int) -> ThreadTrack:
    """Return a thread whose time on a processor since the dropout was counted as less."""
    before = max(look.run_ns for look in track.looks if look.at_ns <= DROPOUT)
    looks = (
        msgspec.structs.replace(look, run_ns=max(look.run_ns - ms * MS, before)) if look.at_ns > DROPOUT else look
        for look in track.looks
    )
    return msgspec.structs.replace(track, looks=tuple(looks))
