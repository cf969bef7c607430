"""The schedule of threads and processors."""

from collectors.audio.causes.analysis.schedule import IDLE, Run, Schedule, Signal, Wake
from collectors.audio.causes.analysis.thread_states import Span
from collectors.audio.causes.evidence import Trace

SERVER, CLIENT, HOG = 10, 20, 30

# CPU 0: the server sleeps; a hog comes; the server is woken at 300, moves to CPU 1 at 600 and runs there from 700.
TRACE = Trace(
    start_ns=0,
    end_ns=1_000,
    names={SERVER: (9, "jackd", 70), CLIENT: (19, "reverb", 65), HOG: (30, "export-job", 80)},
    switches=(
        (0, 0, -1, "?", SERVER, 70),
        (0, 1, -1, "?", CLIENT, 65),
        (100, 0, SERVER, "S", HOG, 80),
        (500, 1, CLIENT, "D", IDLE, 0),
        (700, 1, IDLE, "R", SERVER, 70),
        (900, 0, HOG, "R", IDLE, 0),
    ),
    wakes=((300, 1, SERVER, 0, CLIENT),),
    migrations=((600, SERVER, 0, 1),),
    interrupts=(
        (400, 480, 1, "softirq", "NET_RX"),
        (420, 430, 1, "irq", "eth0"),
        (950, 960, 0, "irq", "eth0"),
    ),
    signals=((200, HOG, 19, CLIENT),),
    ends=((900, HOG),),
)


def test_states_cover_the_time_without_a_hole() -> None:
    assert Schedule(TRACE).states(SERVER, 0, 1_000) == [
        Span("running", 0, 100, 0),
        Span("asleep", 100, 300, 0),
        Span("runnable", 300, 600, 0),
        Span("runnable", 600, 700, 1),
        Span("running", 700, 1_000, 1),
    ]


def test_states_are_clipped() -> None:
    assert Schedule(TRACE).states(SERVER, 250, 310) == [
        Span("asleep", 250, 300, 0),
        Span("runnable", 300, 310, 0),
    ]


def test_times_outside_the_trace_are_unknown() -> None:
    assert Schedule(TRACE).states(CLIENT, -50, 1_050) == [
        Span("unknown", -50, 0, -1),
        Span("running", 0, 500, 1),
        Span("disk", 500, 1_000, 1),
        Span("unknown", 1_000, 1_050, -1),
    ]
    assert Schedule(TRACE).states(CLIENT, 2_000, 2_050) == [Span("unknown", 2_000, 2_050, -1)]
    assert Schedule(TRACE).states(CLIENT, 2_000, 2_000) == []


def test_a_thread_without_events_is_unknown() -> None:
    assert Schedule(TRACE).states(77, 0, 10) == [Span("unknown", 0, 10, -1)]


def test_totals_add_up() -> None:
    totals = Schedule(TRACE).totals(SERVER, 0, 1_000)

    assert totals == {"running": 400, "asleep": 200, "runnable": 400}


def test_runs_of_a_processor_are_clipped() -> None:
    assert Schedule(TRACE).runs(0, 50, 950) == [
        Run(SERVER, 50, 100, 70),
        Run(HOG, 100, 900, 80),
        Run(IDLE, 900, 950, 0),
    ]
    assert Schedule(TRACE).runs(7, 0, 1_000) == []


def test_occupants_of_a_processor_add_up() -> None:
    assert Schedule(TRACE).occupants(1, 0, 1_000) == {CLIENT: 500, IDLE: 200, SERVER: 300}


def test_delayers_are_those_on_the_processor_that_the_thread_waited_for() -> None:
    assert Schedule(TRACE).delayers(SERVER, 0, 1_000) == {HOG: 300, IDLE: 100}


def test_an_interrupt_within_a_soft_interrupt_is_not_counted_twice() -> None:
    assert Schedule(TRACE).interrupts(1, 0, 1_000) == {("softirq", "NET_RX"): 70, ("irq", "eth0"): 10}


def test_interrupts_are_clipped() -> None:
    assert Schedule(TRACE).interrupts(1, 425, 440) == {("softirq", "NET_RX"): 10, ("irq", "eth0"): 5}
    assert Schedule(TRACE).interrupts(0, 0, 900) == {}


def test_interrupts_hold_up_the_thread_that_ran() -> None:
    schedule = Schedule(TRACE)

    assert schedule.interrupted(CLIENT, 0, 1_000) == {("softirq", "NET_RX"): 70, ("irq", "eth0"): 10}
    assert schedule.interrupted(HOG, 0, 1_000) == {}


def test_names_processes_and_priorities() -> None:
    schedule = Schedule(TRACE)

    assert (schedule.name(HOG), schedule.process(CLIENT), schedule.priority(SERVER)) == ("export-job", 19, 70)
    assert (schedule.name(77), schedule.process(77), schedule.priority(77)) == ("", 77, 0)
    assert schedule.threads_of(9) == (SERVER,)
    assert set(schedule.threads) == {SERVER, CLIENT, HOG}
    assert schedule.cpus == (0, 1)


def test_signals_wakes_and_ends() -> None:
    schedule = Schedule(TRACE)

    assert schedule.signals(0, 1_000) == [Signal(200, HOG, 19, CLIENT)]
    assert schedule.signals(201, 1_000) == []
    assert schedule.wakes(SERVER, 0, 1_000) == [Wake(300, SERVER, CLIENT)]
    assert schedule.wakes(CLIENT, 0, 1_000) == []
    assert schedule.ends(0, 1_000) == [(900, HOG)]


def test_an_empty_trace_knows_nothing() -> None:
    schedule = Schedule(Trace(start_ns=0, end_ns=10))

    assert schedule.states(1, 0, 10) == [Span("unknown", 0, 10, -1)]
    assert (schedule.cpus, schedule.interrupts(0, 0, 10), schedule.delayers(1, 0, 10)) == ((), {}, {})
