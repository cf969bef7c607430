"""The faults of a site, with the alert and the team of each."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any, NamedTuple

from monitoring.drill.receivers import Receivers
from tests.support.site import SERVER, Site
from tests.support.small_disk import MAY_MOUNT, SmallDisk

_SLOW_SECONDS = 0.3
_TOO_LITTLE = "1mb"


class Fault(NamedTuple):
    """One fault.

    Attributes:
        what: The event, in a few words.
        alert: The name that the alert must have.
        priority: Of that alert.
        team: The team that owns it.
        says: A text that its notifications must have.
        strike: The function that causes it.
        fix: The function that ends it.
    """

    what: str
    alert: str
    priority: str
    team: str
    says: str
    strike: Callable[[Site], object]
    fix: Callable[[Site], object]

    def triggers(self, seen: Receivers) -> list[dict[str, Any]]:
        """Return the events that opened its incident at PagerDuty."""
        return [
            it
            for it in seen.pagerduty
            if it["event_action"] == "trigger" and self._is_told_by(it["payload"]["custom_details"]["alerts"])
        ]

    def ends(self, seen: Receivers) -> list[dict[str, Any]]:
        """Return the events that resolved its incident at PagerDuty."""
        keys = {it["dedup_key"] for it in self.triggers(seen)}
        return [it for it in seen.pagerduty if it["event_action"] == "resolve" and it["dedup_key"] in keys]

    def messages(self, seen: Receivers) -> list[dict[str, Any]]:
        """Return the messages on Slack about it, of its start and its end."""
        return [one for it in seen.slack for one in it["attachments"] if self._is_told_by(one["text"])]

    def mails(self, seen: Receivers) -> list[str]:
        """Return the subjects of its team's mails about it."""
        to = f"{self.team}@wr.example"
        return [str(it["Subject"]) for it in seen.mail if str(it["To"]) == to and self._is_told_by(_text(it))]

    def _is_told_by(self, text: str) -> bool:
        return self.says in text


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


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
        *("AudioDeviceLost", "P1", "audio", "has run no cycle"),
        strike=lambda site: site.jackd.freeze(),
        fix=lambda site: site.jackd.thaw(),
    ),
    Fault(
        "a plugin's FFI calls turn slow",
        *("FfiLatency", "P1", "audio", "FFI calls into synth"),
        strike=_turn_slow,
        fix=_turn_fast,
    ),
    *(
        [
            Fault(
                "a disk fills up",
                *("DiskSpaceLow", "P0", "platform", "recordings on"),
                strike=lambda site: _disk(site).fill(),
                fix=lambda site: _disk(site).clear(),
            )
        ]
        if MAY_MOUNT
        else []
    ),
    Fault(
        "an exporter dies",
        *("ExporterDown", "P1", "platform", "The exporter of redis"),
        strike=lambda site: site.kill(site.services.cache.exporter),
        fix=lambda site: site.revive(site.services.cache.exporter),
    ),
    Fault(
        "Loki refuses logs",
        *("LokiUnreachable", "P1", "platform", "Log lines from studio-"),
        strike=lambda site: site.loki.fault("answer", status=401, text="no org id"),
        fix=lambda site: site.loki.well(),
    ),
    Fault(
        "a web server dies",
        *("ServiceDown", "P0", "backend", f"nginx on {SERVER}"),
        strike=lambda site: site.kill(site.services.nginx.server),
        fix=lambda site: site.revive(site.services.nginx.server),
    ),
    Fault(
        "a cache runs out of memory",
        *("RedisMemoryHigh", "P1", "database", f"Redis on {SERVER}"),
        strike=lambda site: site.redis("config", "set", "maxmemory", _TOO_LITTLE),
        fix=lambda site: site.redis("config", "set", "maxmemory", "0"),
    ),
)
