import msgspec
import pytest

from collectors.audio.config import AudioConfig


def test_without_a_word_of_configuration_everything_there_is_is_watched() -> None:
    assert AudioConfig(observers="auto", device="", jack_server="", channels=0) == msgspec.convert({}, AudioConfig)


@pytest.mark.parametrize("section", [{"observer": "auto"}, {"observers": "all"}, {"channels": 65}, {"channels": -1}])
def test_what_means_nothing_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, AudioConfig)
