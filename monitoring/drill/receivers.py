"""Stand-ins for PagerDuty, Slack and a mail server, with their refusals.

Rules: PagerDuty's Events API v2 (send an event), Slack's incoming webhooks and message attachments, RFC 5322 and 2045.
"""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGERDUTY_PATH = "/v2/enqueue"
SLACK_PATH = "/services/T0/B0/secret"
_HREF = re.compile(r"https?://\S+")


class RefusedError(Exception):
    """The answer of a service that refuses it."""


def check_pagerduty(event: dict[str, Any]) -> None:
    """Refuse an event that PagerDuty would refuse.

    Raises:
        RefusedError: A field is missing, too long or of the wrong kind.
    """
    _need(len(json.dumps(event)) <= 512 * 1024, "an event has 512 KB at most")
    _need(re.fullmatch(r"[0-9a-z]{32}", event.get("routing_key", "")), "routing_key is 32 characters")
    _need(event.get("event_action") in {"trigger", "acknowledge", "resolve"}, "event_action is one of three")
    _need(0 < len(event.get("dedup_key", "")) <= 255, "dedup_key has 1 to 255 characters")
    for link in event.get("links", []):
        _need(_HREF.fullmatch(link.get("href", "")), f"a link has an address, not {link}")
    if event["event_action"] != "trigger":
        return
    payload = event.get("payload", {})
    _need(0 < len(payload.get("summary", "")) <= 1024, "payload.summary has 1 to 1,024 characters")
    _need(payload.get("source"), "payload.source is required")
    _need(payload.get("severity") in {"critical", "error", "warning", "info"}, "payload.severity is one of four")
    _need(isinstance(payload.get("custom_details", {}), dict), "payload.custom_details is an object")
    for key in ("component", "group", "class"):
        _need(isinstance(payload.get(key, ""), str), f"payload.{key} is a string")
    _need(_HREF.fullmatch(event.get("client_url", "https://x")), "client_url is an address")


def check_slack(message: dict[str, Any]) -> None:
    """Refuse a message that a Slack webhook would refuse or truncate.

    Raises:
        RefusedError: A field is missing, too long or of the wrong kind.
    """
    attachments = message.get("attachments", [])
    _need(message.get("text") or attachments, "no_text")
    _need(len(attachments) <= 20, "too_many_attachments")
    _need(re.fullmatch(r"#[a-z0-9_-]{1,80}", message.get("channel", "")), "channel_not_found")
    for attachment in attachments:
        _need(attachment.get("fallback"), "an attachment has a fallback")
        _need(attachment.get("title") and len(attachment["title"]) <= 256, "a title has 1 to 256 characters")
        _need(len(attachment.get("text", "")) <= 8000, "a text has 8,000 characters at most")
        _need(re.fullmatch("good|warning|danger|#[0-9a-f]{6}", attachment.get("color", "good")), "invalid color")
        _need(_HREF.fullmatch(attachment.get("title_link", "https://x")), "title_link is an address")
        actions = attachment.get("actions", [])
        _need(len(actions) <= 5, "an attachment has 5 actions at most")
        for action in actions:
            _need(action.get("type") == "button" and action.get("text"), f"a button has a text, not {action}")
            _need(_HREF.fullmatch(action.get("url", "")), f"a button has an address, not {action}")


def check_mail(message: EmailMessage) -> None:
    """Refuse a mail that mail servers would refuse.

    Raises:
        RefusedError: A header is missing or broken, or there is no text.
    """
    for header in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        _need(len(message.get_all(header, [])) == 1, f"a mail has {header} once")
    _need(not message.defects, f"defects: {message.defects}")
    body = message.get_body(("plain",))
    _need(body is not None and body.get_content().strip(), "a mail has a text")


def _need(true: object, message: str) -> None:
    if not true:
        raise RefusedError(message)


class Receivers:
    """The received notifications, and the refused ones.

    Attributes:
        pagerduty: The accepted events.
        slack: The accepted messages.
        mail: The accepted mails.
        refused: The reason of each refusal.
    """

    def __init__(self) -> None:
        self.pagerduty: list[dict[str, Any]] = []
        self.slack: list[dict[str, Any]] = []
        self.mail: list[EmailMessage] = []
        self.refused: list[str] = []


def _handler(receivers: Receivers) -> type[BaseHTTPRequestHandler]:
    services: dict[str, tuple[Callable[[dict[str, Any]], None], list[dict[str, Any]], int, bytes]] = {
        PAGERDUTY_PATH: (
            check_pagerduty,
            receivers.pagerduty,
            202,
            b'{"status":"success","message":"Event processed"}',
        ),
        SLACK_PATH: (check_slack, receivers.slack, 200, b"ok"),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            check, taken, status, text = services[self.path]
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                check(document)
            except RefusedError as error:
                receivers.refused.append(f"{self.path}: {error}: {document}")
                status, text = 400, str(error).encode()
            else:
                taken.append(document)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


class _MailServer(socketserver.ThreadingTCPServer):
    """The part of a mail server (RFC 5321, AUTH PLAIN of RFC 4954) that a sender needs."""

    daemon_threads = True

    def __init__(self, receivers: Receivers, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _MailSession)
        self.receivers = receivers
        self.credentials = base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class _MailSession(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        self._say("220 stand-in")
        trusted = False
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "EHLO":
                self._say("250-stand-in\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                trusted = line == f"AUTH PLAIN {self.server.credentials}"
                self._say("235 OK" if trusted else "535 wrong user or password")
            elif verb in {"MAIL", "RCPT"}:
                self._say("250 OK" if trusted else "530 Authentication required")
            elif verb == "DATA":
                self._say("354 go on")
                self._say(self._take(b"".join(iter(self.rfile.readline, b".\r\n"))))
            else:
                self._say("221 bye")
                return

    def _say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())

    def _take(self, raw: bytes) -> str:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        try:
            check_mail(message)
        except RefusedError as error:
            self.server.receivers.refused.append(f"mail: {error}")
            return f"554 {error}"
        self.server.receivers.mail.append(message)
        return "250 OK"


@contextlib.contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def receivers(user: str, password: str) -> Iterator[tuple[Receivers, dict[str, str]]]:
    """Yield stand-ins that listen, and the settings for them. Mail needs this user and password."""
    seen = Receivers()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(seen))
    smtp = _MailServer(seen, user, password)
    url = f"http://127.0.0.1:{http.server_address[1]}"
    with _serving(http), _serving(smtp):
        yield (
            seen,
            {
                "PAGERDUTY_URL": url + PAGERDUTY_PATH,
                "SLACK_WEBHOOK_URL": url + SLACK_PATH,
                "SMTP_ADDRESS": f"127.0.0.1:{smtp.server_address[1]}",
                "SMTP_REQUIRE_TLS": "false",
                "SMTP_USERNAME": user,
                "SMTP_PASSWORD": password,
            },
        )
