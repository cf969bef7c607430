from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.pipeline import Pipeline
from collectors.logs.recent import MAX_ENTRIES, MAX_INSTANTS, NOTHING, parted
from collectors.logs.records import Batch
from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.timestamp import TimestampConfig

NOW = 1795321418_000000000
STAGES = [JsonConfig(fields=["time"]), TimestampConfig(field="time")]
SECOND = b'{"time":"2026-11-22T04:23:38Z"}'


def in_batches(timestamps: list[int], lines: list[bytes], cuts: list[int]) -> list[int]:
    """The timestamps, when the lines are read in batches that end at `cuts`."""
    recent, moved = NOTHING, []
    for start, stop in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        part, recent = parted(timestamps[start:stop], lines[start:stop], recent)
        moved += part
    return moved


def test_equal_lines_of_one_time_are_parted() -> None:
    moved, _ = parted([5, 5, 5, 7, 5], [b"a", b"b", b"a", b"a", b"a"], NOTHING)

    assert moved == [5, 5, 6, 7, 7]


@given(st.data())
def test_it_makes_no_difference_in_which_batches_lines_are_read(data: st.DataObject) -> None:
    times = [100 * at for at in sorted(data.draw(st.lists(st.integers(0, 5), max_size=40)))]
    lines = data.draw(st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=len(times), max_size=len(times)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(times)), max_size=6)))
    moved = in_batches(times, lines, cuts)

    assert moved == in_batches(times, lines, [])
    assert len({*zip(moved, lines, strict=True)}) == len(lines)


def test_a_late_line_is_parted_from_an_equal_one_in_a_batch_before() -> None:
    times = [1, *range(10, 10 + MAX_INSTANTS - 1), 1]
    lines = [b"late", *[b"other"] * (MAX_INSTANTS - 1), b"late"]

    assert in_batches(times, lines, [len(lines) - 1])[-1] == 2


def test_what_is_carried_on_is_bounded() -> None:
    lines = [b"%d" % number for number in range(3 * MAX_ENTRIES)]
    _, recent = parted([7] * len(lines), lines, NOTHING)
    moved, again = parted([7, 7], lines[-1:] * 2, recent)

    assert moved == [8, 9]
    assert len(again) == len(recent) == 16 * MAX_ENTRIES


def test_of_ever_new_times_few_are_carried_on() -> None:
    _, recent = parted([*range(1000)], [b"a"] * 1000, NOTHING)

    assert len(recent) == 16 * MAX_INSTANTS


def test_equal_lines_that_straddle_two_batches_are_two_entries_and_the_same_two_when_they_are_sent_again() -> None:
    first = Pipeline("s", STAGES).process(Batch("s", [SECOND], NOW, {}))
    second = Batch("s", [SECOND, SECOND], NOW, {}, recent=first.recent)
    sent = [Pipeline("s", STAGES).process(second).streams[0].timestamps for _ in range(2)]

    assert first.streams[0].timestamps == [NOW]
    assert sent == [[NOW + 1, NOW + 2]] * 2
