import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.history import MAX_STREAMS, NOTHING, History, StreamHistory, Window, stream_key
from collectors.logs.records import Stream
from collectors.logs.sending_times import BEHIND_NS, REMEMBERED, assign_times, noted_again

NOW = 1795321418_000000000
SECOND = 10**9
HOUR = 3600 * SECOND
LABELS = (("source", "s"),)


def assigned(
    times: list[int], lines: list[str] | None = None, history: History | None = None, *, own: bool = True
) -> Stream:
    stream = Stream(LABELS, list(times), list(lines or [f"line {number}" for number in range(len(times))]), None)
    assign_times(stream, history if history is not None else History(), has_own_times=own)
    return stream


def in_batches(times: list[int], lines: list[str], cuts: list[int], *, own: bool = True) -> list[int]:
    """Return the times, when the lines are sent in batches that end at `cuts`, with a restart after each."""
    packed, sent = NOTHING, list[int]()
    for start, stop in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        if start == stop:
            continue
        history = History.unpack(packed)
        sent += assigned(times[start:stop], lines[start:stop], history, own=own).timestamps
        packed = history.pack()
    return sent


def test_equal_lines_of_one_time_are_separated() -> None:
    assert assigned([5, 5, 5, 7, 5], ["a", "b", "a", "a", "a"]).timestamps == [5, 5, 6, 7, 8]


@given(st.data())
def test_no_two_entries_are_equal_whatever_the_batches(data: st.DataObject) -> None:
    seconds = data.draw(st.lists(st.integers(0, 60), max_size=60))
    times = [NOW + second * SECOND for second in seconds]
    lines = data.draw(st.lists(st.sampled_from(["a", "b"]), min_size=len(times), max_size=len(times)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(times)), max_size=6)))
    sent = in_batches(times, lines, cuts)

    assert len({*zip(sent, lines, strict=True)}) == len(lines)
    assert all(0 <= at - true < SECOND for at, true in zip(sent, times, strict=True))


@pytest.mark.parametrize("between", [1, REMEMBERED, 10_000])
@pytest.mark.parametrize("unit", [1000, 10**6, SECOND])
def test_equal_lines_that_are_written_far_apart_are_both_kept(between: int, unit: int) -> None:
    others = [NOW + (number % 7) * unit for number in range(between)]
    times = [NOW, *others, NOW, NOW]
    lines = ["same", *(f"other {number}" for number in range(between)), "same", "same"]
    for cuts in ([], [1], [1 + between], [len(lines) // 2, len(lines) - 1]):
        sent = in_batches(times, lines, cuts)
        same = [at for at, line in zip(sent, lines, strict=True) if line == "same"]

        assert len({*same}) == 3
        assert max(same) - NOW < max(unit, 10**6)


def test_many_equal_lines_of_one_time_across_batches_are_all_kept() -> None:
    count = 5000
    sent = in_batches([NOW] * count, ["retrying"] * count, [2000, 4000])

    assert len({*sent}) == count
    assert sent == sorted(sent)


def test_lines_that_are_sent_again_with_more_behind_them_keep_their_times() -> None:
    times = [NOW + (number % 5) * SECOND for number in range(200)]
    lines = ["same" if number % 3 else f"other {number}" for number in range(200)]
    history = History()
    assigned(times[:50], lines[:50], history)
    packed = history.pack()
    first = assigned(times[50:100], lines[50:100], History.unpack(packed)).timestamps
    again = assigned(times[50:], lines[50:], History.unpack(packed)).timestamps

    assert again[:50] == first


@pytest.mark.parametrize("own", [True, False])
@given(st.data())
def test_the_cuts_between_batches_make_no_difference(own: bool, data: st.DataObject) -> None:  # noqa: FBT001 - a case
    offsets = st.integers(0, 3) | st.integers(0, 60).map(SECOND.__mul__) | st.integers(-3, 3).map(HOUR.__mul__)
    times = [NOW + offset for offset in data.draw(st.lists(offsets, max_size=120))]
    lines = data.draw(st.lists(st.sampled_from(["a", "b"]), min_size=len(times), max_size=len(times)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(times)), max_size=6)))

    assert in_batches(times, lines, cuts, own=own) == in_batches(times, lines, [], own=own)


def test_equal_lines_keep_their_times_when_several_batches_are_sent_again_as_one() -> None:
    between = [NOW + SECOND + number * 1000 for number in range(2 * REMEMBERED)]
    times = [*between, NOW, *between, NOW, *between, NOW]
    lines = [f"same {at}" for at in times]

    sent = in_batches(times, lines, [len(between), len(between) + 1, 2 * len(between) + 2])

    assert in_batches(times, lines, []) == sent


def test_an_entry_far_behind_its_stream_is_moved_and_keeps_its_time() -> None:
    history = History()
    stream = assigned([NOW, NOW - 5 * HOUR, NOW - 4 * HOUR, NOW + 1], history=history)

    floor = NOW - BEHIND_NS
    assert stream.timestamps == [NOW, floor, floor + 1, NOW + 1]
    assert stream.metadata == [
        None,
        {"original_time": "2026-11-21T23:23:38Z"},
        {"original_time": "2026-11-22T00:23:38Z"},
        None,
    ]
    later = assigned([NOW - 2 * HOUR], history=history)
    assert later.timestamps == [floor + 2]
    assert history.of(LABELS).newest == NOW + 1


def test_each_stream_has_its_own_order() -> None:
    history = History()
    assigned([NOW], history=history)
    other = Stream((("source", "other"),), [NOW - 5 * HOUR], ["x"], None)
    assign_times(other, history, has_own_times=True)

    assert other.timestamps == [NOW - 5 * HOUR]


def test_times_of_reading_never_go_back() -> None:
    history = History()
    assigned([NOW, NOW + 5], history=history, own=False)
    stream = assigned([NOW - 60 * SECOND, NOW + 60 * SECOND], history=history, own=False)

    assert stream.timestamps == [NOW + 5, NOW + 60 * SECOND]
    assert stream.metadata is None


def test_a_window_moves_what_loki_refused() -> None:
    history = History(windows={stream_key(LABELS): Window(NOW, NOW + 10, NOW + 100, NOW + 50)})
    stream = assigned([NOW - SECOND, NOW + 1, NOW + SECOND, NOW + SECOND + 7, NOW - SECOND + 5], history=history)

    assert stream.timestamps == [NOW + 10, NOW + 1, NOW + 50, NOW + 51, NOW + 11]
    known = noted_again(stream, History())
    assert known.newest == NOW + 51
    assert (NOW + 50) in [at for at, _ in known.sent]


def test_a_history_is_the_same_after_packing() -> None:
    history = History(known=7, streams={3: StreamHistory(1, 2, 3, 4, [(5, 6)])}, windows={3: Window(1, 2, 3, 4)})

    assert History.unpack(history.pack()) == history
    assert History.unpack(NOTHING) == History()
    assert History.unpack((5).to_bytes(8, "little") + bytes(8)).forgotten == 5


def test_a_history_is_bounded() -> None:
    history = History()
    for number in range(3 * MAX_STREAMS):
        stream = Stream((("n", str(number)),), [NOW + number] * 500, [f"{line}" for line in range(500)], None)
        assign_times(stream, history, has_own_times=True)
    history.forget_oldest()

    assert len(history.streams) == MAX_STREAMS
    assert len(history.pack()) < MAX_STREAMS * REMEMBERED * 20
    again = Stream((("n", "0"),), [NOW], ["0"], None)
    assign_times(again, history, has_own_times=True)
    assert again.timestamps != [NOW]
