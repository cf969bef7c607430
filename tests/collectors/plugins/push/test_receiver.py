from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from collectors.plugins.families import foreign_families
from collectors.plugins.names import FamilyNames
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.push.checks import push_checks
from collectors.plugins.push.config import PushConfig
from collectors.plugins.push.pushed import Push
from collectors.plugins.push.receiver import Receiver, UnknownProcessError
from collectors.plugins.refusals import Reason, RefusedError

PHONE, TABLET = "0" * 32, "1" * 32
PAGE = """# TYPE songs_created_total counter
songs_created_total COUNT
# TYPE song_load_duration_seconds histogram
song_load_duration_seconds_bucket{le="1.0"} COUNT
song_load_duration_seconds_bucket{le="+Inf"} COUNT
song_load_duration_seconds_sum COUNT
song_load_duration_seconds_count COUNT
# TYPE ui_frame_rate gauge
ui_frame_rate 60
"""


class Agent:
    """A receiver with its plugins, as one run of the agent has them."""

    def __init__(self, config: PushConfig | None = None, *, hurried: bool = False) -> None:
        self.now = 0.0
        self.names = FamilyNames()
        self.plugins: dict[str, Plugin] = {}
        self.receiver = Receiver(config or PushConfig(), self.names, self.plugin, self._clock)
        self._step = 0.0 if hurried else 1.0

    def _clock(self) -> float:
        """Return the time, of which some passes at each look unless pushes are to be hurried."""
        self.now += self._step
        return self.now

    def plugin(self, name: str) -> Plugin:
        return self.plugins.setdefault(name, Plugin(name, Admission(2_000, self.names)))

    def values(self) -> dict[str, object]:
        """The exported values by family, plugin and instance."""
        families = foreign_families(self.plugins.values(), self.receiver.instances, self.receiver.overruled)
        return {
            " ".join([family.name, *labels]): value for family in families for labels, value in family.samples.items()
        }

    def total(self, name: str = "songs_created_total app") -> object:
        return self.values().get(name)

    def loaded(self) -> object:
        value: Any = self.values()["song_load_duration_seconds app"]
        return sum(value.counts)

    def rejected(self, name: str = "app") -> dict[str, int]:
        return {reason.value: count for reason, count in self.plugins[name].refusals.counts.items()}


class Phone:
    """A process that pushes as a client library does."""

    def __init__(self, process: str = PHONE) -> None:
        self.process = process
        self.count = 0
        self.page = 0
        self.known = 0
        self.accepted = ""

    async def push(self, agent: Agent, page: str = PAGE, *, plugin: str = "app", lost: bool = False) -> None:
        """Push the current counts; the answer is lost if the test wants that."""
        self.page += 1
        body = page.replace("COUNT", str(self.count))
        try:
            await agent.receiver.receive(plugin, push(body, self.page, self.known, self.process))
        except UnknownProcessError:
            await agent.receiver.receive(plugin, push(self.accepted, self.known, self.known, self.process))
            await agent.receiver.receive(plugin, push(body, self.page, self.known, self.process))
        if not lost:
            self.known, self.accepted = self.page, body


def push(body: str, page: int = 1, known: int = 0, process: str = PHONE, *, openmetrics: bool = False) -> Push:
    return Push(process, page, known, body.encode(), openmetrics, "192.0.2.7")


async def test_the_counts_of_all_processes_are_one_sum_and_gauges_are_numbered() -> None:
    agent = Agent()
    phones = [Phone(f"{number:032x}") for number in range(100)]
    for phone in phones:
        phone.count = 3
        await phone.push(agent)

    values = agent.values()
    assert values["songs_created_total app"] == 300
    assert agent.loaded() == 300
    rates = [name for name in values if name.startswith("ui_frame_rate")]
    assert rates == [f"ui_frame_rate app {number}" for number in range(1, 101)]
    assert not any(phone.process in name for phone in phones for name in values)


async def test_only_new_counts_are_added() -> None:
    agent, phone = Agent(), Phone()
    for phone.count in (5, 5, 9):
        await phone.push(agent)

    assert agent.total() == 9
    assert agent.loaded() == 9


async def test_a_page_that_is_repeated_or_overtaken_changes_nothing() -> None:
    agent = Agent()
    newer, older = push(PAGE.replace("COUNT", str(9)), page=2), push(PAGE.replace("COUNT", str(5)), page=1)
    for page in (newer, older, newer):
        await agent.receiver.receive("app", page)

    assert agent.total() == 9


async def test_pages_of_one_process_that_arrive_together_count_once() -> None:
    agent = Agent()
    pushes = [push(PAGE.replace("COUNT", str(number)), page=number) for number in (3, 1, 2, 3)]
    await asyncio.gather(*(agent.receiver.receive("app", page) for page in pushes))

    assert agent.total() == 3
    assert agent.loaded() == 3


async def test_a_restarted_agent_counts_only_what_is_new() -> None:
    """The total starts at zero, which Prometheus reads as a reset: its increase is what was counted since."""
    before, after, phone = Agent(), Agent(), Phone()
    phone.count = 1_000
    await phone.push(before)
    phone.count = 1_007
    await phone.push(after)

    assert before.total() == 1_000
    assert after.total() == 7
    assert after.loaded() == 7


async def test_an_app_that_rests_for_long_loses_and_repeats_nothing() -> None:
    agent, phone = Agent(), Phone()
    phone.count = 4
    await phone.push(agent)
    agent.now += 3600
    agent.receiver.expire()
    assert agent.values().keys() == {"songs_created_total app", "song_load_duration_seconds app"}
    assert agent.total() == 4

    phone.count = 6
    await phone.push(agent)
    assert agent.total() == 6
    assert agent.values()["ui_frame_rate app 1"] == 60


async def test_a_lost_answer_costs_nothing_while_the_agent_knows_the_process() -> None:
    agent, phone = Agent(), Phone()
    for phone.count, lost in ((3, False), (5, True), (8, True), (9, False)):
        await phone.push(agent, lost=lost)

    assert agent.total() == 9


async def test_an_ended_process_leaves_its_counts_and_frees_its_number() -> None:
    agent = Agent()
    phone, tablet = Phone(), Phone(TABLET)
    phone.count = tablet.count = 2
    await phone.push(agent)
    agent.receiver.end("app", PHONE)
    agent.receiver.end("app", PHONE)
    await tablet.push(agent)

    assert agent.total() == 4
    assert agent.values()["ui_frame_rate app 1"] == 60


async def test_a_process_of_one_plugin_cannot_touch_that_of_another() -> None:
    agent, phone = Agent(), Phone()
    phone.count = 5
    await phone.push(agent, plugin="app")
    await agent.receiver.receive("other", push(PAGE.replace("COUNT", str(1)), page=9))
    agent.receiver.end("other", PHONE)
    phone.count = 6
    await phone.push(agent, plugin="app")

    assert agent.total("songs_created_total app") == 6
    assert agent.total("songs_created_total other") == 1


async def test_a_process_that_pushes_too_often_is_refused_and_no_other() -> None:
    agent, phone, tablet = Agent(hurried=True), Phone(), Phone(TABLET)
    for phone.count in range(4):
        await phone.push(agent)
    with pytest.raises(RefusedError) as refused:
        await phone.push(agent)
    tablet.count = 1_000
    await tablet.push(agent)

    assert refused.value.reason is Reason.RATE_LIMIT
    assert agent.total() == 1_003
    assert agent.rejected() == {"rate_limit": 1}


async def test_processes_beyond_the_limit_are_refused_and_known_ones_go_on() -> None:
    agent, phone = Agent(PushConfig(max_apps=2)), Phone()
    await phone.push(agent)
    await Phone(TABLET).push(agent)
    with pytest.raises(RefusedError) as refused:
        await Phone("2" * 32).push(agent)
    phone.count = 3
    await phone.push(agent)
    await Phone("2" * 32).push(agent, plugin="other")

    assert refused.value.reason is Reason.TOO_MANY_APPS
    assert agent.total() == 3
    assert agent.rejected() == {"too_many_apps": 1}


async def test_the_series_of_a_plugin_end_at_the_limit() -> None:
    agent = Agent(PushConfig(max_series=40))
    lines = "".join(f'a_total{{song="{number}"}} 1\n' for number in range(100))
    refused = await agent.receiver.receive("app", push("# TYPE a_total counter\n" + lines))

    assert len(agent.values()) == 40
    assert {refusal.reason for refusal in refused} == {Reason.TOO_MANY_SERIES}


async def test_the_gauges_of_all_processes_end_at_the_limit() -> None:
    agent = Agent(PushConfig(max_series=50))
    page = "".join(f'g{{n="{number}"}} 1\n' for number in range(20))
    for process in range(2):
        await Phone(f"{process:032x}").push(agent, page)
    with pytest.raises(RefusedError, match="max_series"):
        await Phone(TABLET).push(agent, page)

    assert len(agent.values()) == 40
    (finding,) = [finding for check in push_checks(agent.receiver) for finding in check.run()]
    assert finding.code == "plugin-push-refused"


async def test_a_plugin_with_pages_that_keep_changing_is_refused() -> None:
    agent = Agent(hurried=True)
    processes = [f"{number:032x}" for number in range(51)]
    for process in processes[:-1]:
        await agent.receiver.receive("app", push(f"a{int(process, 16)} 1\n", process=process))
    with pytest.raises(RefusedError) as refused:
        await agent.receiver.receive("app", push("a 1\n", process=processes[-1]))
    await Phone().push(agent, plugin="other")

    assert refused.value.reason is Reason.RATE_LIMIT


async def test_the_memory_of_pages_that_differ_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.plugins.push.receiver.MOST_HELD", 100)
    agent = Agent()
    lines = [f"a{number} 1\n" for number in range(30)]
    pages = ["".join(lines[number:]) for number in range(20)]
    accepted = 0
    for number, page in enumerate(pages):
        with contextlib.suppress(RefusedError):
            await agent.receiver.receive("app", push(page, process=f"{number:032x}"))
            accepted += 1
    for number in range(100, 110):  # a page that is known costs nothing more
        await agent.receiver.receive("app", push(pages[0], process=f"{number:032x}"))
    await agent.receiver.receive("other", push(pages[9]))

    assert accepted == 4


async def test_a_page_that_is_refused_stops_the_gauges_and_leaves_the_counts() -> None:
    agent, phone = Agent(), Phone()
    phone.count = 2
    await phone.push(agent)
    with pytest.raises(RefusedError):
        await phone.push(agent, "nonsense {")

    assert agent.values().keys() == {"songs_created_total app", "song_load_duration_seconds app"}
    phone.count = 3
    await phone.push(agent)
    assert agent.total() == 3


async def test_the_agents_own_names_are_refused() -> None:
    agent = Agent()
    page = "up 1\nwr_agent_plugin_up 0\nprocess_cpu_seconds_total 1\nnode_load1 1\na 1\n"
    refused = await agent.receiver.receive("app", push(page))

    assert agent.values() == {"a app 1": 1}
    assert {refusal.reason for refusal in refused} == {Reason.RESERVED_NAME}


async def test_a_name_of_a_sockets_page_overrules_a_pushed_one_of_another_type() -> None:
    agent, phone = Agent(), Phone()
    pushed = "# TYPE audio_load counter\naudio_load 7\n# TYPE a_total counter\na_total 1\n"
    await phone.push(agent, pushed)
    assert agent.values() == {"audio_load app": 7, "a_total app": 1}

    lines = [b"# TYPE audio_load gauge", b"audio_load 0.5"]
    await agent.plugin("synth").read(lines, None, openmetrics=False)
    assert agent.values() == {"a_total app": 1}

    refused = await agent.receiver.receive("app", push(pushed, page=9))
    assert [refusal.reason for refusal in refused] == [Reason.TYPE_CONFLICT]
    assert agent.values() == {"a_total app": 1}


async def test_pushed_names_leave_room_for_those_of_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.plugins.names._MOST_PUSHED_FAMILIES", 10)
    agent = Agent()
    page = "".join(f"a{number} 1\n" for number in range(30))
    refused = await agent.receiver.receive("app", push(page))
    plan, _ = await agent.plugin("synth").read([b"b 1"], None, openmetrics=False)

    assert len(agent.values()) == 10
    assert {refusal.reason for refusal in refused} == {Reason.TOO_MANY_SERIES}
    assert plan.refused == {}


async def test_a_plugin_with_a_socket_and_pushes_has_each_series_once() -> None:
    agent, phone = Agent(), Phone()
    phone.count = 3
    await phone.push(agent, "# HELP songs_created_total Pushed.\n" + PAGE)
    lines = [b"# HELP songs_created_total Polled.", b"# TYPE songs_created_total counter", b"songs_created_total 4"]
    plan, values = await agent.plugin("app").read(lines, None, openmetrics=False)
    plan.sums[0].series.add(values[plan.sums[0].sample])

    assert agent.total() == 7


async def test_the_service_of_a_page_is_known() -> None:
    agent = Agent()
    await agent.receiver.receive("app", push('a{service="swift-frontend"} 1\n'))

    assert agent.plugins["app"].service == "swift-frontend"


async def test_openmetrics_is_read_too() -> None:
    agent = Agent()
    await agent.receiver.receive("app", push("# TYPE a counter\na_total 2\n# EOF\n", openmetrics=True))

    assert agent.total("a_total app") == 2
