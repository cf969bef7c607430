from agent.core.versions import requirements
from agent.doctor.agent import versions
from tests.agent.doctor.support import codes


def test_libraries_that_are_missing_or_old() -> None:
    there = {"aiohttp": "3.8.4", "msgspec": "0.19.0"}
    needed = ["aiohttp>=3.11", "msgspec>=0.19", "psutil>=6.1", "strange~=1"]

    found = list(versions.check_libraries(needed, lambda name: there.get(name, "")))

    assert [finding.title for finding in found] == ["The library aiohttp is too old", "The library psutil is missing"]


def test_what_is_installed_here_goes_together() -> None:
    assert codes(versions.check_libraries(it for it in requirements() if ";" not in it)) == []


def test_a_daemon_of_another_version() -> None:
    assert codes(versions.check_daemon("1.0", "1.0")) == []
    assert codes(versions.check_daemon("1.0", "1.1")) == ["agent-version-differs"]
