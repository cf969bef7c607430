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
        b'{"level":"\xff"}',
        b'{"level":"\\ud800"}',
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
