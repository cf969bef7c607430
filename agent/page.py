"""The status page at `/`: the agent's state and findings as one self-contained page of HTML."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from agent.status import CollectorStatus, Status
from collectors.findings import Finding

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
article { border-left: .25rem solid #888; padding-left: 1rem; margin: 1rem 0; }
article.failure { border-color: #d33; } article.warning { border-color: #d90; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 0; }
pre { overflow-x: auto; padding: .5rem; background: #8882; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do for the page: apply this one style sheet."""


def render(status: Status) -> str:
    """The page for what the agent says of itself now."""
    findings = [finding for check in status.checks for finding in check.findings]
    config_error = f"<p role=alert>The last reload was refused: {escape(status.config_error)}</p>"
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>wr-agent</title><style>{_STYLE}</style></head>
<body><main>
<h1>wr-agent {escape(status.version)}</h1>
<p>Up for {status.uptime:.0f} s, pid {status.pid}, configured by {escape(status.config)}.</p>
{config_error if status.config_error else ""}
<p><a href="/metrics">/metrics</a> · <a href="/-/status">/-/status</a> ·
<a href="/-/healthy">/-/healthy</a> · <a href="/-/ready">/-/ready</a></p>
<h2>Findings</h2>
{"".join(map(_finding, findings)) or f"<p>{len(status.checks)} checks, nothing found.</p>"}
<h2>Collectors</h2>
{_collectors(status.collectors)}
</main></body></html>
"""


def _finding(finding: Finding) -> str:
    remedy = "\n".join(finding.remedy)
    return (
        f'<article class="{finding.severity.value}"><h3>{escape(finding.title)}</h3>'
        f"<p>{escape(finding.detail)}</p><p>Affects: {escape(finding.affects)}</p>"
        f"{f'<pre>{escape(remedy)}</pre>' if remedy else ''}</article>"
    )


def _collectors(collectors: Iterable[CollectorStatus]) -> str:
    rows = "".join(
        f"<tr><td>{escape(it.name)}<td>{escape(it.error) or 'up'}<td>{it.duration * 1000:.1f} ms"
        f"<td>{it.errors}<td>{it.restarts}"
        for it in collectors
    )
    return (
        "<table><thead><tr><th scope=col>Collector<th scope=col>State<th scope=col>Last snapshot"
        f"<th scope=col>Errors<th scope=col>Restarts</thead><tbody>{rows}</tbody></table>"
    )
