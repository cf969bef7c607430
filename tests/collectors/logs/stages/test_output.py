from collectors.logs.stages.json import JsonConfig
from collectors.logs.stages.output import OutputConfig
from tests.support.log_stages import process, texts


def test_output_sends_the_field_and_keeps_lines_without_it() -> None:
    stages = [JsonConfig(fields=["message"]), OutputConfig(field="message")]

    assert texts(process(stages, b'{"message":"hi \xe2\x99\xaf"}', b"plain")) == ["hi ♯".encode(), b"plain"]
