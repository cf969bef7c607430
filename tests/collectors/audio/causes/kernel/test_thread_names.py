"""Names, priorities and processes of threads."""

from collectors.audio.causes.kernel.thread_names import ThreadNames


def test_newest_name_and_highest_priority_count() -> None:
    threads = ThreadNames()
    threads.name(7, 20, b"export-job\0\0", 80)
    threads.name(7, 10, b"sh")
    threads.name(7, 15, b"\xff\0junk", 5)

    assert threads.names(lambda _: 3) == {7: (3, "export-job", 80)}
    assert threads.priority(7) == 80
    assert threads.priority(8) == 0


def test_process_of_a_thread_that_ended_is_that_of_its_starter() -> None:
    threads = ThreadNames()
    threads.name(7, 1, b"worker")
    threads.name(8, 1, b"other")
    threads.add_sibling(7, 6)
    threads.add_sibling(6, 5)

    assert threads.names(lambda tid: 4 if tid == 5 else 0) == {
        7: (4, "worker", 0),
        8: (8, "other", 0),
    }


def test_threads_that_started_each_other_end_the_search() -> None:
    threads = ThreadNames()
    threads.name(7, 1, b"a")
    threads.add_sibling(7, 6)
    threads.add_sibling(6, 7)

    assert threads.names(lambda _: 0)[7][1] == "a"
