"""Evidence as JSON."""

from collectors.audio.causes.evidence import Evidence, Trace, Window, decode, encode

WINDOW = Window(
    id="1",
    at="2026-01-02T03:04:05.000000006Z",
    device="system",
    server="default",
    start_ns=1,
    end_ns=2,
    silent_ns=0,
    period_ns=5_333_333,
    observations=("jack xrun",),
    load=-1,
    server_pid=0,
    own_pids=(7,),
    cpus=2,
)


def test_evidence_survives_json() -> None:
    evidence = Evidence(
        window=WINDOW, trace=Trace(start_ns=0, end_ns=9, names={3: (1, "hog", 80)}, switches=((1, 0, 3, "R", 4, 80),))
    )

    assert decode(encode(evidence)) == evidence


def test_the_level_is_that_of_the_best_evidence() -> None:
    assert Evidence(window=WINDOW).level == 0
    assert Evidence(window=WINDOW, trace=Trace(start_ns=0, end_ns=9)).level == 2
