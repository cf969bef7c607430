from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed
from collectors.logs.stages.multiline import MultilineConfig
from collectors.logs.stages.patterns import Pattern

STAGE = MultilineConfig(first=Pattern(r"\d"))


def texts(processed: Processed) -> list[bytes]:
    return [line for stream in processed.streams for line in stream.lines if isinstance(line, bytes)]


def run(lines: list[bytes], stage: MultilineConfig = STAGE, *, final: bool = False) -> Processed:
    return Pipeline("s", [stage]).process(Batch("s", lines, 1000, {}, final))


def test_joins_a_line_with_those_that_belong_to_it() -> None:
    processed = run([b"1 a", b"  b", b"  \xff", b"2 d", b"3 e"])

    assert texts(processed) == [b"1 a\n  b\n  \xff", b"2 d"]
    assert processed.consumed == 4


def test_the_last_entry_waits_for_the_next_batch_unless_nothing_follows() -> None:
    assert (texts(run([b"1 a", b" b"])), run([b"1 a", b" b"]).consumed) == ([], 0)
    assert (texts(run([b"1 a", b" b"], final=True)), run([b"1 a", b" b"], final=True).consumed) == ([b"1 a\n b"], 2)


def test_lines_before_the_first_entry_are_one() -> None:
    assert texts(run([b" a", b" b", b"1", b"2"])) == [b" a\n b", b"1"]


def test_an_entry_is_as_long_as_it_may_be_and_no_batch_is_stuck() -> None:
    stage = MultilineConfig(first=Pattern(r"\d"), max_lines=3)
    processed = run([b"1", *[b" x"] * 5], stage)

    assert texts(processed) == [b"1\n x\n x", b" x\n x\n x"]
    assert processed.consumed == 6
    assert run([b"1", b" " * 300_000]).consumed == 2


def test_time_and_place_are_those_of_the_first_line() -> None:
    (stream,) = run([b"1", b" a", b"2", b" b", b"3"]).streams

    assert stream.timestamps == [1000, 1000 + len(b"1\n a\n")]


def test_what_was_held_back_is_whole_in_the_next_batch() -> None:
    lines = [b"%d" % n if n % 7 == 0 else b" %d" % n for n in range(100)]
    pipeline, sent, position = Pipeline("s", [STAGE]), [], 0
    for end in range(1, 101, 4):
        processed = pipeline.process(Batch("s", lines[position:end], end, {}))
        sent += texts(processed)
        position += processed.consumed
    sent += texts(pipeline.process(Batch("s", lines[position:], 0, {}, final=True)))

    assert b"\n".join(sent) == b"\n".join(lines)
    assert len(sent) == 15


def test_an_empty_batch_is_nothing() -> None:
    assert (run([]).streams, run([]).consumed) == ([], 0)
