from collectors.logs.files.fingerprint import NOTHING, fingerprint


def test_a_file_that_begins_with_the_bytes_matches() -> None:
    print_ = fingerprint(b"abc")

    assert print_.length == 3
    assert [print_.matches(data) for data in (b"abc", b"abcd", b"ab", b"abX", b"")] == [True, True, False, False, False]


def test_every_file_begins_with_nothing() -> None:
    assert NOTHING.matches(b"")
    assert NOTHING.matches(b"anything")


def test_no_text_is_in_a_fingerprint() -> None:
    assert "secret" not in fingerprint(b"secret").digest
