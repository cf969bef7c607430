"""Texts of YAML that describe more than they hold."""

import time

import pytest

from agent.config.bounded_yaml import YamlError, parse


def test_plain_data_is_returned() -> None:
    assert parse("a: &a [1, two]\nb: *a\n") == {"a": [1, "two"], "b": [1, "two"]}
    assert parse("") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &a {b: *a}", "expected at most 24 levels"),
        ("[" * 100 + "]" * 100, "expected at most 24 levels"),
        ("[" * 5000, "expected at most 24 levels"),
        ("a: 1\na: 2", "duplicate key 'a'"),
        ("a: [", "line 1, column"),
        ("a: 2026-13-45", "invalid value: month must be in 1..12"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_the_problem_is_told_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(YamlError) as error:
        parse(text)

    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_text_of_few_bytes_cannot_become_a_huge_value() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 12))
    spent = time.thread_time()
    with pytest.raises(YamlError, match="50000 values"):
        parse(text)

    assert time.thread_time() - spent < 5
