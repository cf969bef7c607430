import pytest

from agent.config.host_name import HostName


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("studio7", "studio7"),
        (" Studio7.Example. ", "studio7.example"),
        ("*.studio.example", "*.studio.example"),
        ("a_b.c-d", "a_b.c-d"),
    ],
)
def test_names_are_read_in_small_letters(text: str, name: str) -> None:
    assert HostName.parse(text) == name


@pytest.mark.parametrize(
    "text", ["", "studio7:9787", "http://studio7", "a b", "-a", "a-", "*", "a.*.b", "a..b", "é", "a" * 64, "a." * 200]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a host name without a port, such as 'studio7\.example', got"):
        HostName.parse(text)
