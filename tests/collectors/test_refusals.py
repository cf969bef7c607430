import pytest

from collectors.refusals import check_all, refuse


def fail(text: str) -> None:
    raise ValueError(text)


def test_all_problems_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"^first\nthird$"):
        refuse({"first": True, "second": "", "third": "a value"})


def test_a_configuration_without_problems_is_accepted() -> None:
    refuse({"first": False, "second": None, "third": 0})


def test_the_lines_of_every_failed_check_are_reported() -> None:
    checked: list[str] = []
    with pytest.raises(ValueError, match=r"^a\nb\nc$"):
        check_all(lambda: fail("a\nb"), lambda: checked.append("good"), lambda: fail("c"))

    assert checked == ["good"]
    check_all(lambda: None)
