import json

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch
from collectors.logs.stages.container import ContainerConfig
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.patterns import Pattern
from tests.collectors.logs.stages.conftest import After

AT = 1795321418_000000001
TIME = "2026-11-22T04:23:38.000000001Z"


def docker(log: str, stream: str = "stdout") -> str:
    return json.dumps({"log": log, "stream": stream, "time": TIME})


def test_unwraps_docker_and_cri(after: After) -> None:
    entries = after(
        [ContainerConfig()], docker("tuning ♯\n", "stderr"), f'{TIME} stdout F {{"a":1}}', f"{TIME} stderr F "
    )

    assert [(entry.line.decode(), entry.labels["stream"]) for entry in entries] == [
        ("tuning ♯", "stderr"),
        ('{"a":1}', "stdout"),
        ("", "stderr"),
    ]
    assert {entry.timestamp for entry in entries} == {AT}


def test_joins_what_the_runtime_cut(after: After) -> None:
    entries = after(
        [ContainerConfig()],
        *(docker("a"), docker("b"), docker("c\n"), docker("d\n")),
        *(f"{TIME} stdout P e", f"{TIME} stdout F f", f"{TIME} stdout F g"),
    )

    assert [entry.line for entry in entries] == [b"abc", b"d", b"ef", b"g"]


def test_parts_of_each_stream_are_joined_apart(after: After) -> None:
    entries = after(
        [ContainerConfig()],
        *(f"{TIME} stdout P a", f"{TIME} stderr P b", f"{TIME} stderr F c", f"{TIME} stdout F d"),
        *(docker("e"), docker("f\n", "stderr"), docker("g\r\n")),
    )

    assert [entry.line for entry in entries] == [b"ad", b"bc", b"eg", b"f"]


def test_lines_behind_an_open_part_wait_for_its_end() -> None:
    pipeline = Pipeline("s", [ContainerConfig()])
    lines = [
        f"{TIME} {line}".encode() for line in ("stdout F a", "stdout P b", "stderr F c", "stdout F d", "stderr P e")
    ]

    assert pipeline.process(Batch("s", lines[:3], AT, {})).consumed == 1
    assert pipeline.process(Batch("s", lines[1:], AT, {})).consumed == 3


def test_a_cut_lies_within_no_line_of_another_stream() -> None:
    pipeline = Pipeline("s", [ContainerConfig(), MultilineConfig(first=Pattern("[^ ]"))])
    lines = [f"{TIME} {line}".encode() for line in ("stdout P a", "stderr F b", "stdout F c", "stdout F d")]

    assert pipeline.process(Batch("s", lines, AT, {})).consumed == 0  # `b` may continue and lies within `ac`
    assert pipeline.process(Batch("s", lines, AT, {}, final=True)).consumed == 4


def test_a_part_without_an_end_holds_up_no_later_lines() -> None:
    pipeline = Pipeline("s", [ContainerConfig()])
    later = "2026-11-22T04:23:43.100000001Z"
    lines = [f"{TIME} stdout P a".encode(), f"{later} stderr F b".encode()]
    assert pipeline.process(Batch("s", lines, AT, {})).consumed == 2

    many = [f"{TIME} stderr F {'b' * 1000}".encode()] * 140
    assert pipeline.process(Batch("s", [lines[0], *many], AT, {})).consumed == 141


def test_traces_of_each_stream_are_joined_apart(after: After) -> None:
    entries = after(
        [ContainerConfig(), MultilineConfig(first=Pattern("[^ ]"))],
        *(f"{TIME} stdout F one", f"{TIME} stderr F error", f"{TIME} stdout F  a", f"{TIME} stderr F  b"),
        final=True,
    )

    assert [entry.line for entry in entries] == [b"one\n a", b"error\n b"]


def test_holds_back_what_may_go_on_until_nothing_follows() -> None:
    pipeline = Pipeline("s", [ContainerConfig(format="cri")])
    lines = [f"{TIME} stdout F a".encode(), f"{TIME} stdout P b".encode()]

    assert pipeline.process(Batch("s", lines, AT, {})).consumed == 1
    assert pipeline.process(Batch("s", lines, AT, {}, final=True)).consumed == 2


def test_lines_in_no_wrapper_pass_as_they_are(after: After) -> None:
    bad = [b"plain", b"{}", b'{"log":1,"stream":"","time":""}', b"\xff a F x", b"", b"t stdout X y", b"{" * 100_000]
    now = 1795321500_000000000
    entries = after([ContainerConfig()], *bad, read_ns=now)

    assert [entry.line for entry in entries] == bad
    assert [entry.timestamp for entry in entries] == [now, now + 6, now + 9, now + 41, now + 49, now + 50, now + 63]


def test_a_time_that_cannot_be_read_is_the_time_of_reading(after: After) -> None:
    (entry,) = after([ContainerConfig()], "someday stdout F a", read_ns=AT)

    assert (entry.line, entry.timestamp) == (b"a", AT)


def test_stages_after_it_see_the_containers_own_lines(after: After) -> None:
    entries = after(
        [ContainerConfig(), MultilineConfig(first=Pattern("[^ ]")), JsonConfig(fields=["a"])],
        docker("Traceback\n"),
        docker("  in main\n"),
        docker('{"a":"b"}\n'),
        final=True,
    )

    assert [entry.line for entry in entries] == [b"Traceback\n  in main", b'{"a":"b"}']
    assert entries[1].fields == {"a": "b"}
