"""What can go wrong at a site, what alert that must be, and who must hear of it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.receivers import Receivers
from tests.support.site import CACHE, SERVER, STUDIO, Site
from tests.support.small_disk import MAY_MOUNT, SmallDisk

_SLOW_SECONDS = 0.3
_BYTES_FOR_NOTHING = "1mb"


class Fault(NamedTuple):
    """One fault.

    Attributes:
        what: What happens, in a few words.
        alert: What it must be called.
        priority: Of that alert.
        team: Whose it is.
        host: Where it happens.
        says: What people must be able to read of it.
        strike: Makes it happen.
        mend: Ends it.
    """

    what: str
    alert: str
    priority: str
    team: str
    host: str
    says: str
    strike: Callable[[Site], object]
    mend: Callable[[Site], object]

    def events(self, seen: Receivers, action: str) -> list[dict[str, Any]]:
        """What PagerDuty took about it: `trigger` or `resolve`."""
        keys = {
            event["dedup_key"]
            for event in seen.pagerduty
            if (event.get("payload", {}).get("class"), event.get("payload", {}).get("component"))
            == (self.alert, self.host)
        }
        return [it for it in seen.pagerduty if it["dedup_key"] in keys and it["event_action"] == action]

    def messages(self, seen: Receivers) -> list[dict[str, Any]]:
        """What Slack took about it."""
        return [it for it in seen.slack if self._is_named_in(it["attachments"][0]["text"])]

    def mails(self, seen: Receivers) -> list[str]:
        """The subjects of what its team got."""
        return [
            str(it["Subject"])
            for it in seen.mail
            if str(it["To"]) == f"{self.team}@wr.example" and self._is_named_in(str(it.get_content()))
        ]

    def _is_named_in(self, text: str) -> bool:
        return self.alert in text and self.says in text


def _turn_slow(site: Site) -> None:
    site.engine.call_seconds = _SLOW_SECONDS


def _turn_fast(site: Site) -> None:
    site.engine.call_seconds = 0.0


def _disk(site: Site) -> SmallDisk:
    assert site.disk is not None
    return site.disk


FAULTS = (
    Fault(
        "the audio server freezes",
        *("AudioDeviceLost", "P1", "audio", STUDIO, "has run no cycle"),
        strike=lambda site: site.jackd.freeze(),
        mend=lambda site: site.jackd.thaw(),
    ),
    Fault(
        "a plugin's FFI calls turn slow",
        *("FfiLatency", "P1", "audio", STUDIO, "Calls into synth"),
        strike=_turn_slow,
        mend=_turn_fast,
    ),
    *(
        [
            Fault(
                "a disk fills up",
                *("DiskSpaceLow", "P0", "platform", STUDIO, "recordings on"),
                strike=lambda site: _disk(site).fill(),
                mend=lambda site: _disk(site).clear(),
            )
        ]
        if MAY_MOUNT
        else []
    ),
    Fault(
        "an exporter dies",
        *("ExporterDown", "P1", "platform", CACHE, "Nobody watches redis"),
        strike=lambda site: site.kill(site.services.cache.exporter),
        mend=lambda site: site.revive(site.services.cache.exporter),
    ),
    Fault(
        "Loki refuses logs",
        *("LokiUnreachable", "P1", "platform", "", f"No log lines of {STUDIO}"),
        strike=lambda site: site.loki.fault("answer", status=401, text="no org id"),
        mend=lambda site: site.loki.well(),
    ),
    Fault(
        "a web server dies",
        *("ServiceDown", "P0", "backend", SERVER, f"nginx on {SERVER}"),
        strike=lambda site: site.kill(site.services.nginx.server),
        mend=lambda site: site.revive(site.services.nginx.server),
    ),
    Fault(
        "a cache runs out of memory",
        *("RedisMemoryHigh", "P1", "database", SERVER, f"Redis on {SERVER}"),
        strike=lambda site: site.redis("config", "set", "maxmemory", _BYTES_FOR_NOTHING),
        mend=lambda site: site.redis("config", "set", "maxmemory", "0"),
    ),
)
