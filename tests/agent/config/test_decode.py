from typing import Literal

import msgspec
import pytest

from agent.config.decode import ConfigError, Problem, decode
from agent.config.loader import parse
from collectors.units import Duration, Size


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    every: Duration = Duration(10)
    limit: Size = Size(1024)
    level: Literal["low", "high"] = "low"
    count: int = 1


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    inner: Inner = Inner()
    tags: dict[str, str] = {}


def test_nothing_written_gives_the_defaults() -> None:
    assert decode(Outer, {}) == (Outer(), [])


def test_values_are_converted() -> None:
    data = {"name": "x", "inner": {"every": "250ms", "limit": "4MiB", "level": "high"}, "tags": {"a": "b"}}

    expected = Outer(name="x", inner=Inner(every=Duration(0.25), limit=Size(4 << 20), level="high"), tags={"a": "b"})
    assert decode(Outer, data) == (expected, [])


def test_every_problem_is_reported_with_its_full_path() -> None:
    data = {"nmae": 1, "name": 2, "inner": {"every": 5, "limit": "4 bananas", "level": "hihg", "count": "1"}, "tags": 0}

    struct, problems = decode(Outer, data)

    assert struct is None
    assert [problem.path for problem in problems] == [
        "nmae",
        "name",
        "inner.every",
        "inner.limit",
        "inner.level",
        "inner.count",
        "tags",
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"nmae": "x"}, Problem("nmae", "unknown key; did you mean name?")),
        ({"zzz": "x"}, Problem("zzz", "unknown key; known here: name, inner, tags")),
        ({"inner": 3}, Problem("inner", "expected a table, such as [inner], got 3")),
        (
            {"inner": {"level": "hihg"}},
            Problem("inner.level", "expected one of low, high, got 'hihg'; did you mean high?"),
        ),
        ({"inner": {"count": "1"}}, Problem("inner.count", "expected a whole number, got '1'")),
        (
            {"inner": {"every": 5}},
            Problem("inner.every", "expected a number and one of ms, s, m, h, d, such as '10s', got '5'"),
        ),
        ({"tags": {"a": 1}}, Problem("tags.a", "expected text, got 1")),
    ],
)
def test_a_problem_says_what_was_expected_and_what_was_found(data: dict[str, object], expected: Problem) -> None:
    assert decode(Outer, data)[1] == [expected]


def test_environment_variables_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO", "blue")

    struct, problems = decode(Outer, {"name": "the ${STUDIO} room", "tags": {"room": "${STUDIO}"}})

    assert problems == []
    assert struct == Outer(name="the blue room", tags={"room": "blue"})


def test_a_missing_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO", raising=False)

    assert decode(Outer, {"name": "${STUDIO}"})[1] == [
        Problem("name", "the environment variable STUDIO is not set; set it")
    ]


def test_every_problem_of_a_configuration_is_reported() -> None:
    text = """
    log_level = 3
    [web]
    collect_timeout = "0s"
    hosts = ["a b", "c:1"]
    [plugins]
    directories = ["relative"]
    interval = "0s"
    timeout = "0s"
    [loki]
    url = "http://127.0.0.1:1"
    timeout = "0s"
    [[logs.sources]]
    name = "app"
    paths = ["relative", 3]
    labels = { a = 1, user_id = "x" }
    stages = [{ labels = { fields = ["nothing"] } }]
    """
    with pytest.raises(ConfigError) as refused:
        parse(text, "file")

    found = str(refused.value)
    for part in (
        "log_level: expected one of debug",
        "web: expected a collect_timeout of at least 0.1s, got 0s",
        "web.hosts[0]: expected a host name",
        "web.hosts[1]: expected a host name",
        "plugins: expected absolute directories",
        "plugins: expected an interval of at least 0.1s, got 0s",
        "plugins: expected a timeout above zero, got 0s",
        "loki: expected a timeout of at least 0.1s, got 0s",
        "logs.sources[0].paths[1]: expected text, got 3",
        "logs.sources[0].labels.a: expected text, got 1",
        "logs.sources[0]: expected a label of a field that an earlier stage extracts (none), got nothing",
    ):
        assert part in found
