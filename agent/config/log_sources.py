"""The log sources of the platform: where each program writes, and the stages for each of its formats.

`config.example.toml` shows them, and `wr-agent config init` chooses among them by the lines of this machine's files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

_LEVELS = "{ level = {} }"
_LEVEL_LABEL = '{ labels = { fields = ["level"] } }'
_POSTGRESQL_TIME = '{ timestamp = { field = "time", format = "postgresql" } }'
_SEVERITIES = "DEBUG|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC"


@dataclass(frozen=True, slots=True)
class LogSource:
    """One source for `[[logs.sources]]`.

    Attributes:
        name: Its name.
        paths: Patterns of its files; none for the journal.
        stages: The stages, in TOML.
        service: The label `service`; empty for none.
        looks: A pattern that the lines of this format match; empty for any line.
        about: What writes this format.
    """

    name: str
    paths: tuple[str, ...]
    stages: tuple[str, ...] = ()
    service: str = ""
    looks: str = ""
    about: str = ""

    def fits(self, line: str) -> bool:
        """Check whether a line has this format."""
        return re.search(self.looks, line) is not None

    def toml(self) -> str:
        """Return the source as it stands in a configuration."""
        lines = ["[[logs.sources]]", f'name = "{self.name}"']
        if self.paths:
            lines.append(f"paths = [{', '.join(map(quoted, self.paths))}]")
        else:
            lines.append("journal = true")
        if self.service:
            lines.append(f'labels = {{ service = "{self.service}" }}')
        if len(self.stages) == 1:
            lines.append(f"stages = [{self.stages[0]}]")
        elif self.stages:
            lines += ["stages = [", *(f"  {stage}," for stage in self.stages), "]"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The sources for one program.

    Attributes:
        sources: The sources to write.
        notes: The reasons for each decision.
    """

    sources: tuple[LogSource, ...]
    notes: tuple[str, ...]


def quoted(text: str) -> str:
    """Return a text as a basic string of TOML."""
    escaped = "".join(
        f"\\u{ord(character):04x}" if ord(character) < ord(" ") or character in '"\\\x7f' else character
        for character in text
    )
    return f'"{escaped}"'


_ENGINE = LogSource(
    name="juce-backend",
    paths=("/var/log/white-room/engine/*.log",),
    service="juce-backend",
    looks=r'^\{.*"time":',
    about="JSON lines",
    stages=(
        '{ json = { fields = ["time", "level", "trace_id", "user_id"] } }',
        '{ timestamp = { field = "time", format = "rfc3339" } }',
        _LEVELS,
        _LEVEL_LABEL,
        '{ structured_metadata = { fields = ["trace_id", "user_id"] } }',
    ),
)
_APP = LogSource(
    name="swift-frontend",
    paths=("/var/log/white-room/app/*.log",),
    service="swift-frontend",
    looks=r'^\{.*"time":',
    about="JSON lines",
    stages=(
        '{ json = { fields = ["time", "level", "event", "user_id"] } }',
        '{ timestamp = { field = "time", format = "rfc3339" } }',
        _LEVELS,
        _LEVEL_LABEL,
        '{ metrics = { distinct = [{ name = "active_users", help = "Users of the app.", value = "user_id" }] } }',
        (
            '{ metrics = { counters = [{ name = "songs_created_total", help = "Songs.", '
            'where = { event = "song_created" } }] } }'
        ),
    ),
)
_LOGFMT = (
    '{ logfmt = { fields = ["time", "level"] } }',
    '{ timestamp = { field = "time", format = "rfc3339" } }',
    _LEVELS,
    _LEVEL_LABEL,
)
_TEXT = (
    r"{ multiline = { first = '^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d' } }",
    (
        r"{ regex = { pattern = '^\[?(?P<time>\d{4}-\d\d-\d\d[T ][0-9:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)?)\]?\s+"
        r"\[?(?P<level>[A-Za-z]{1,10})\b' } }"
    ),
    '{ timestamp = { field = "time", format = "rfc3339" } }',
    _LEVELS,
    _LEVEL_LABEL,
)
_SYSLOG = LogSource(
    name="syslog",
    paths=("/var/log/syslog",),
    looks=r"^(?:[A-Z][a-z]{2} [ \d]\d [0-9:]{8}|\d{4}-\d\d-\d\dT\S+) \S+ [^:\[ ]+",
    about="rsyslog and syslog-ng",
    stages=(
        r"{ regex = { pattern = '^(?P<time>\S+\s+\d+ [0-9:]{8}|\S+) \S+ (?P<program>[^:\[ ]+)' } }",
        '{ timestamp = { field = "time", format = "syslog" } }',
        '{ structured_metadata = { fields = ["program"] } }',
    ),
)
_CONTAINERS = LogSource(
    name="containers",
    paths=("/var/log/containers/*.log", "/var/lib/docker/containers/*/*-json.log"),
    looks=r'^(?:\{"log":|\S+ (?:stdout|stderr) [FP] )',
    about="Docker, containerd and CRI-O",
    stages=("{ container = {} }",),
)
_JOURNAL = LogSource(
    name="journal",
    paths=(),
    about='the systemd journal; `units = ["nginx.service"]` chooses units',
    stages=(
        (
            '{ json = { fields = { time = "__REALTIME_TIMESTAMP", message = "MESSAGE", level = "PRIORITY", '
            'unit = "_SYSTEMD_UNIT" } } }'
        ),
        '{ timestamp = { field = "time", format = "unix_us" } }',
        _LEVELS,
        '{ labels = { fields = ["level", "unit"] } }',
        '{ output = { field = "message" } }',
    ),
)
_NGINX_TIME = r"\d\d/[A-Z][a-z]{2}/\d{4}:[0-9:]{8} [+-]\d{4}"
_NGINX = LogSource(
    name="nginx",
    paths=("/var/log/nginx/access.log",),
    service="nginx",
    looks=rf'\[{_NGINX_TIME}\] "[^"]*" \d{{3}} ',
    about="the format `combined`",
    stages=(
        (
            rf"""{{ regex = {{ pattern = '\[(?P<time>{_NGINX_TIME})\] "(?:(?P<method>[A-Z]{{3,20}}) )?[^"]*" """
            r"""(?P<status>\d{3}) ' } }"""
        ),
        '{ timestamp = { field = "time", format = "nginx" } }',
        '{ labels = { fields = ["status"] } }',
    ),
)
_NGINX_JSON = replace(
    _NGINX,
    looks=r'^\{.*"status":',
    about="a JSON `log_format` with $time_iso8601, with or without escape=json",
    stages=(
        '{ json = { fields = ["time", "status"] } }',
        '{ timestamp = { field = "time", format = "rfc3339" } }',
        '{ labels = { fields = ["status"] } }',
    ),
)
_NGINX_ERROR = LogSource(
    name="nginx-error",
    paths=("/var/log/nginx/error.log",),
    service="nginx",
    looks=r"^\d{4}/\d\d/\d\d [0-9:]{8} \[\w+\] ",
    about="the error log",
    stages=(
        r"{ regex = { pattern = '^(?P<time>\d{4}/\d\d/\d\d [0-9:]{8}) \[(?P<level>\w+)\]' } }",
        '{ timestamp = { field = "time", format = "nginx" } }',
        _LEVELS,
        _LEVEL_LABEL,
    ),
)
_POSTGRESQL_HEAD = r"\d{4}-\d\d-\d\d [0-9:.]{8,12} \S+ \[\d+\](?: [^:]*)? "
_POSTGRESQL = LogSource(
    name="postgresql",
    paths=("/var/log/postgresql/*.log",),
    service="postgresql",
    looks=rf"^{_POSTGRESQL_HEAD}[A-Z]+\d?:  ",
    about="`log_destination = 'stderr'` with a prefix that begins with `%m [%p] `",
    stages=(
        rf"{{ multiline = {{ first = '^{_POSTGRESQL_HEAD}(?:{_SEVERITIES})\d?:  ' }} }}",
        r"{ regex = { pattern = '^(?P<time>\S+ \S+ \S+) \[\d+\](?: [^:]*)? (?P<level>[A-Z]+\d?):  ' } }",
        _POSTGRESQL_TIME,
        _LEVELS,
        _LEVEL_LABEL,
    ),
)
_POSTGRESQL_CSV = LogSource(
    name="postgresql-csv",
    paths=("/var/log/postgresql/*.csv",),
    service="postgresql",
    looks=r"^\d{4}-\d\d-\d\d [0-9:.]{8,12} \S+,",
    about="`log_destination = 'csvlog'`",
    stages=(
        r"{ multiline = { first = '^\d{4}-\d\d-\d\d [0-9:.]{8,12} [A-Z0-9+:-]+,' } }",
        r"""{ regex = { pattern = '^(?P<time>[^,]+),(?:(?:"(?:[^"]|"")*"|[^",]*),){10}(?P<level>[A-Z]+\d?),' } }""",
        _POSTGRESQL_TIME,
        _LEVELS,
        _LEVEL_LABEL,
    ),
)
_POSTGRESQL_JSON = LogSource(
    name="postgresql-json",
    paths=("/var/log/postgresql/*.json",),
    service="postgresql",
    looks=r'^\{"timestamp":.*"error_severity":',
    about="`log_destination = 'jsonlog'`",
    stages=(
        '{ json = { fields = { time = "timestamp", level = "error_severity" } } }',
        _POSTGRESQL_TIME,
        _LEVELS,
        _LEVEL_LABEL,
    ),
)

SOURCES: Mapping[str, Sequence[LogSource]] = {
    "juce-backend": (
        _ENGINE,
        replace(_ENGINE, stages=_LOGFMT, looks=r"(?:^| )time=\S+ .*\blevel=", about="logfmt"),
        replace(_ENGINE, stages=_TEXT, looks=r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", about="text with a time"),
    ),
    "swift-frontend": (
        _APP,
        replace(_APP, stages=_LOGFMT, looks=r"(?:^| )time=\S+ .*\blevel=", about="logfmt"),
        replace(_APP, stages=_TEXT, looks=r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", about="text with a time"),
    ),
    "syslog": (_SYSLOG,),
    "containers": (_CONTAINERS,),
    "journal": (_JOURNAL,),
    "nginx": (_NGINX, _NGINX_JSON, _NGINX_ERROR),
    "postgresql": (_POSTGRESQL, _POSTGRESQL_CSV, _POSTGRESQL_JSON),
}
"""The formats of each source. Those with other paths are sources of their own."""


def example() -> str:
    """Return the sources as `config.example.toml` shows them: each with its first format, and other files."""
    shown = []
    for formats in SOURCES.values():
        first, *others = formats
        shown += [first, *(other for other in others if other.paths != first.paths)]
    return "\n".join(source.toml() for source in shown)
