import pytest

from agent.config.remote_write import RemoteWriteConfig, RemoteWriteUrl
from agent.doctor.agent.remote_write import check_access
from tests.support.write_requests import Reply, receiver


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(204), []),
        (Reply(401, "who are you"), ["remote-write-refuses"]),
        (Reply(404, "not found"), ["remote-write-refuses"]),
        (Reply(503, "starting"), ["remote-write-unreachable"]),
        (Reply(429, "later"), ["remote-write-rate-limited"]),
    ],
)
def test_the_answer_to_a_request_without_samples_is_judged(reply: Reply, expected: list[str]) -> None:
    with receiver() as server:
        server.rule = lambda _: reply
        found = check_access(RemoteWriteConfig(url=RemoteWriteUrl(server.url)))

    assert [finding.code for finding in found] == expected
    assert server.requests == [(reply.status, [])]


def test_a_receiver_that_is_not_there_is_a_finding() -> None:
    found = check_access(RemoteWriteConfig(url=RemoteWriteUrl("http://127.0.0.1:1/write")))

    assert [finding.code for finding in found] == ["remote-write-unreachable"]
    assert "Connection refused" in found[0].detail


def test_a_password_that_cannot_be_read_is_a_finding() -> None:
    with receiver() as server:
        config = RemoteWriteConfig(url=RemoteWriteUrl(server.url), username="a", password_file="/nowhere/file")  # noqa: S106 - a path
        (found,) = check_access(config)

    assert found.code == "remote-write-refuses"
    assert "remote_write.password_file" in found.detail
    assert server.requests == []
