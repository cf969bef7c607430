import pytest

from collectors.audio.protocol import (
    MAX_CHANNELS,
    Exit,
    Refusal,
    StreamInfo,
    decode_answer,
    encode_answer,
    level_record,
)


@pytest.mark.parametrize(
    "answer",
    [
        StreamInfo("system", "JACK Audio Connection Kit", 48000.0, 2, 0.005, 0.0),
        Refusal(Exit.DEVICE_NOT_FOUND, "no audio device is named 'x'", ("system", "Überton")),
    ],
)
def test_an_answer_survives_its_line(answer: StreamInfo | Refusal) -> None:
    line = encode_answer(answer)

    assert answer == decode_answer(line)
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("line", [b"ALSA lib: no cards\n", b"{}\n", b""])
def test_noise_is_no_answer(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_answer(line)


def test_a_level_block_has_two_numbers_and_four_for_each_channel() -> None:
    assert len(level_record(MAX_CHANNELS).unpack(bytes(level_record(MAX_CHANNELS).size))) == 2 + 4 * MAX_CHANNELS
