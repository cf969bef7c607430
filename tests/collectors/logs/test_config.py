import pytest

from agent.config.decode import ConfigError
from agent.config.loader import parse
from agent.config.schema import Config
from collectors.units import Duration

SOURCE = """
loki.url = "http://127.0.0.1:3100"
[[logs.sources]]
name = "a"
paths = ["/var/log/a.log"]
"""


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x")
    (line,) = str(caught.value).splitlines()
    return line


def test_a_source_needs_no_more_than_a_name_and_paths() -> None:
    (source,) = parse(SOURCE, "x").logs.sources

    assert (source.name, source.paths, source.stages) == ("a", ["/var/log/a.log"], [])


def test_a_sources_times_are_read_with_units() -> None:
    (source,) = parse(f'{SOURCE}flush_after = "1.5m"', "x").logs.sources

    assert source.flush_after == Duration(90)


def test_nothing_is_shipped_by_default() -> None:
    assert (Config().logs.sources, Config().loki.url) == ([], "")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("stages = [{ jsn = {} }]", "x: logs.sources[0].stages[0].jsn: unknown key; did you mean json?"),
        (
            "stages = [{ json = {} }]",
            "x: logs.sources[0].stages[0].json: expected the key fields, which has no default",
        ),
        ("stages = [{}]", "x: logs.sources[0].stages[0]: expected a table with one key, such as { json = {} }, got {}"),
        ("journal = true", "x: logs.sources[0]: expected exactly one of paths, journal = true and unified_log = true"),
        ('labels = { user_id = "7" }', "x: logs.sources[0]: user_id identifies a person and cannot be a label"),
        ('stages = [{ labels = { fields = ["user_id"] } }]', "user_id identifies a person and cannot be a label"),
        ('[[logs.sources]]\nname = "a"\npaths = ["/b"]', "x: logs: expected a unique name for each source"),
        ('[[logs.sources]]\nname = "b"\npaths = ["b.log"]', "x: logs.sources[1]: expected absolute paths, got b.log"),
        (
            'stages = [{ metrics = { counters = [{ name = "node_x_total" }] } }]',
            "expected a metric name without one of the reserved prefixes",
        ),
        (
            (
                'stages = [{ metrics = { counters = [{ name = "x_total", help = "X." }] } }]\n'
                '[[logs.sources]]\nname = "b"\npaths = ["/b"]\n'
                'stages = [{ metrics = { counters = [{ name = "x_total", help = "Y." }] } }]'
            ),
            "x: logs: expected one type and one help for the metric x_total",
        ),
    ],
)
def test_what_cannot_be_used_is_one_clear_line_with_its_path(more: str, expected: str) -> None:
    assert expected in problem(SOURCE + more)


def test_a_password_in_the_url_is_refused() -> None:
    assert "use username and password_file" in problem('loki.url = "http://me:secret@127.0.0.1:3100"')
