import pytest

from agent.config.remote_write import RemoteWriteConfig, RemoteWriteUrl
from agent.push.health import BEHIND, REMEMBER, Health, QueueState
from agent.push.verdict import Fault
from agent.push.wire import encode_labels
from collectors.findings import Finding
from collectors.http_push.answer import Answer

URL = "http://metrics.example/api/v1/write"
NOW = 1_800_000_000_000


class Push:
    """A health with a clock and a queue of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.queue = QueueState()
        self.difference = 0
        self.health = Health(
            RemoteWriteConfig(url=RemoteWriteUrl(URL)), lambda: self.queue, lambda: self.now, lambda: self.difference
        )

    def findings(self) -> dict[str, Finding]:
        return {finding.code: finding for check in self.health.checks() for finding in check.run()}

    def value(self, name: str) -> float:
        (family,) = [it for it in self.health.families() if it.name == f"wr_agent_remote_write_{name}"]
        (value,) = family.samples.values()
        assert isinstance(value, int | float)
        return float(value)


def test_a_new_push_has_no_finding_and_no_state() -> None:
    push = Push()

    assert push.findings() == {}
    assert "wr_agent_remote_write_up" not in {it.name for it in push.health.families()}


@pytest.mark.parametrize(("fault", "code"), [(it, it.value) for it in Fault])
def test_a_fault_is_a_finding_until_it_ends(fault: Fault, code: str) -> None:
    push = Push()
    push.health.judged(Answer(503, "starting", server="nginx"), fault)
    push.now += 61

    found = push.findings()
    assert list(found) == ([] if fault is Fault.RATE_LIMITED else [code])
    if found:
        assert "61 s: nginx answered HTTP 503 starting" in found[code].detail
        assert push.health.fault
        assert push.value("up") == 0
    push.health.judged(Answer(204), None)
    assert push.findings() == {}
    assert push.value("up") == 1


def test_a_long_wait_for_an_answer_is_a_finding() -> None:
    push = Push()
    push.health.posting()
    push.now += 20

    assert "no answer yet after 20 s" in push.findings()["remote-write-unreachable"].detail
    push.health.posted(Answer(204), 20.0, 100)
    assert push.findings() == {}


def test_snapshots_that_wait_long_are_a_finding() -> None:
    push = Push()
    push.queue = QueueState(size=3 << 20, oldest=NOW - int(BEHIND * 1000), newest=NOW)

    assert "600 s of snapshots in 3.0 MiB" in push.findings()["remote-write-behind"].detail
    assert push.value("queue_seconds") == 600
    assert push.value("lag_seconds") == 600
    push.health.delivered(NOW - 15_000)
    assert push.value("lag_seconds") == 15
    push.queue = QueueState(newest=NOW)
    assert push.findings() == {}
    assert push.value("lag_seconds") == 0


def test_dropped_samples_are_a_finding_for_a_while() -> None:
    push = Push()
    push.health.dropped("size", 500)
    push.health.dropped("age", 2)

    assert "2 by age, 500 by size" in push.findings()["remote-write-dropped"].detail
    push.now += REMEMBER
    assert push.findings() == {}


def test_a_disk_that_takes_nothing_is_a_finding() -> None:
    push = Push()
    push.queue = QueueState(problem="No space left on device (/var/lib/wr-agent/remote-write)")

    assert "No space left on device" in push.findings()["remote-write-disk"].detail


def test_refused_series_are_named_and_each_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    push = Push()
    for name in ("a", "b", "a", "c", "d", "a"):
        push.health.refused(name, encode_labels({"__name__": name}), "duplicate", 1, Answer(400, "duplicate sample"))

    detail = push.findings()["remote-write-series-refused"].detail
    assert "6 by duplicate. Series: a, b, c and 1 more" in detail
    assert capsys.readouterr().out.count("which is dropped") == 4


@pytest.mark.parametrize(
    ("seconds", "says"), [(59, None), (-59, None), (61, "61 s ahead of"), (-7200, "7200 s behind")]
)
def test_a_clock_that_is_wrong_by_a_minute_is_a_finding(seconds: int, says: str | None) -> None:
    push = Push()
    push.difference = seconds * 10**9

    found = push.findings()
    assert list(found) == (["remote-write-clock"] if says else [])
    assert not says or says in found["remote-write-clock"].detail
    assert push.value("clock_difference_seconds") == seconds
