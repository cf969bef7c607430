import time

import pytest

from collectors.logs.stages.json import JsonConfig
from tests.collectors.logs.stages.conftest import After


def test_takes_the_fields_and_leaves_the_line(after: After) -> None:
    (entry,) = after([JsonConfig(fields=["level", "n", "gone"])], '{"level":"info","n":1.50,"rest":[{"x":1}]}')

    assert entry.fields == {"level": "info", "n": "1.5"}
    assert entry.line == b'{"level":"info","n":1.50,"rest":[{"x":1}]}'


def test_a_dot_reaches_into_objects_unless_a_member_has_that_name(after: After) -> None:
    stage = JsonConfig(fields={"status": "http.response.status", "level": "log.level"})
    inner, flat = after([stage], '{"http":{"response":{"status":200}},"log":"x"}', '{"log.level":"warn","http":[1]}')

    assert inner.fields == {"status": "200"}
    assert flat.fields == {"level": "warn"}


def test_lines_that_are_no_json_objects_pass_as_they_are_and_cost_no_other_line(after: After) -> None:
    bad = [
        b"plain",
        b"",
        b'"text"',
        b"[1]",
        b'{"level":',
        b"[" * 200_000,
        b'{"level":' + b"9" * 5000 + b"}",
    ]
    entries = after([JsonConfig(fields=["level"])], b'{"level":"a"}', *bad, b'{"level":"z"}')

    assert [entry.fields.get("level") for entry in entries] == ["a", *[None] * len(bad), "z"]
    assert [entry.line for entry in entries[1:-1]] == bad


def test_values_of_every_kind_have_a_text(after: After) -> None:
    (entry,) = after(
        [JsonConfig(fields=list("abcdef"))],
        '{"a":true,"b":null,"c":[1,"x"],"d":{"y":2},"e":' + "9" * 400 + ',"f":"ä\\u0000"}',
    )

    assert entry.fields == {"e": "9" * 400, "a": "true", "c": '[1,"x"]', "d": '{"y":2}', "f": "ä\0"}


def test_reads_json_in_a_field(after: After) -> None:
    (entry,) = after([JsonConfig(fields=["log"]), JsonConfig(fields=["a"], field="log")], '{"log":"{\\"a\\":\\"b\\"}"}')

    assert entry.fields["a"] == "b"


@pytest.mark.parametrize(
    "line",
    [
        b'{"level":"info","text":"a\x01b"}',
        b'{"level":"info","n":NaN,"m":-Infinity,"o":1e999}',
        b'{"text":"\\ud800","level":"info"}',
        b'{"text":"\xe9","level":"info"}',
        b'{"request":"GET \\x22\\xE5\\xAE\\xBF","level":"info"}',
        b'{"took":-,"up":,"level":"info"}',
        b'{"took": - , "level":"info",}',
        b'\xef\xbb\xbf{"level":"info"}',
        b'\x1b[32m{"level":"\x1b[1minfo\x1b[0m"}\x1b[0m',
        b'{"level":"info"} and more',
        b'{"level":"info","text":"cut of',
        b'{"level":"info","deep":' + b"[" * 5000,
        b'{"level":"info","n":' + b"9" * 5000 + b"}",
    ],
)
def test_members_of_a_line_that_is_no_strict_json_are_read(after: After, line: bytes) -> None:
    (entry,) = after([JsonConfig(fields=["level"])], line)

    assert entry.fields == {"level": "info"}
    assert entry.line == line


def test_escapes_of_nginx_are_utf8_and_no_surrogate_is_left(after: After) -> None:
    line = rb'{"a":"\x22\xE5\xAE\xBF\\x22","b":"\ud83d\ude00 \ud800","c":{"\udfff":["\ud800"]}}'
    (entry,) = after([JsonConfig(fields=["a", "b", "c"])], line)

    assert entry.fields == {"a": '"宿\\x22', "b": "😀 \ufffd", "c": '{"\ufffd":["\ufffd"]}'}


def test_hostile_lines_take_time_that_grows_with_their_length(after: After) -> None:
    for unit in (b"\\x5C", b"\\", b"\\\\x", b"\x1b[", b'"a":-,', b"{", b'{"a":', b" ", b"#033["):
        seconds = []
        for count in (20_000, 80_000):
            began = time.thread_time()
            after([JsonConfig(fields=["a"])], b'{"a":"' + unit * count, b"{" + unit * count)
            seconds.append(time.thread_time() - began)
        assert seconds[1] < 0.5 + 12 * seconds[0]
