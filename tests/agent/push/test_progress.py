from pathlib import Path

from agent.push.progress import FILE, Progress


def opened(folder: Path) -> Progress:
    progress = Progress(folder)
    progress.open()
    return progress


def test_acknowledged_ranges_are_merged_and_survive(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for records in (range(4), range(8, 10), range(4, 6)):
        first.send(records, newest=7)
        first.finish(records)

    again = opened(tmp_path)

    assert [*again.pending(0, 12)] == [range(6, 8), range(10, 12)]
    assert [*again.pending(7, 9)] == [range(7, 8)]
    assert [*again.pending(0, 5)] == []
    assert (again.end, again.newest) == (10, 7)


def test_a_request_without_an_answer_is_in_doubt(tmp_path: Path) -> None:
    opened(tmp_path).send(range(3, 8), newest=1)

    again = opened(tmp_path)
    assert again.doubt == range(3, 8)
    again.send(range(3, 5), newest=1)
    assert again.doubt == range(3, 8)
    again.finish(range(3, 5))
    assert again.doubt == range(5, 8)
    again.finish(range(5, 8))
    assert not again.doubt


def test_a_torn_write_costs_the_newest_slot_alone(tmp_path: Path) -> None:
    progress = opened(tmp_path)
    for number in range(3):
        progress.finish(range(number + 1))
    content = bytearray((tmp_path / FILE).read_bytes())
    newest = content.index(b'"done":[[0,3]]')
    content[newest + 3] ^= 1
    (tmp_path / FILE).write_bytes(content)

    assert [*opened(tmp_path).pending(0, 3)] == [range(2, 3)]


def test_a_file_of_noise_is_no_progress(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff" * 5000)

    assert [*opened(tmp_path).pending(0, 2)] == [range(2)]


def test_ranges_always_fit_their_slot(tmp_path: Path) -> None:
    progress = opened(tmp_path)
    number = 10_000_000
    while progress.may_skip:
        progress.finish(range(number, number + 1))
        number += 2

    assert [*opened(tmp_path).pending(number - 3, number)] == [range(number - 3, number - 2), range(number - 1, number)]
