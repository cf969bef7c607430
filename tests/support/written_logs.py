"""The logs that real programs wrote: nginx and PostgreSQL in every format that has a source."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.support.exporters import process
from tests.support.prometheus import free_port
from tests.support.waiting import eventually

_POSTGRES = Path("/usr/lib/postgresql")

_JSON = '{"time":"$time_iso8601","request":"$request","status":"$status","up":$upstream_status}'
_NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log info; events {{}}
http {{
  log_format plain '{json}'; log_format escaped escape=json '{json}';
  access_log {folder}/access.log combined; access_log {folder}/plain.json plain;
  access_log {folder}/escaped.json escaped;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5; client_header_timeout 1s;
  server {{ listen 127.0.0.1:{port}; location /x {{ return 200 "ok"; }} location / {{ return 404; }} }}
}}
"""
_REQUESTS = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b'GET /x?q="a" HTTP/1.1\r\nHost: a\r\nUser-Agent: say "hi" \\o/ \xe5\xae\xbf\r\nConnection: close\r\n\r\n',
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03rest of hello\x00\x00\r\n\r\n",
    b"\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Admin\r\n\r\n",
    b"GET /nope HTTP/1.0\r\n\r\n",
    b"quit\r\n\r\n",
    b'"\r\n\r\n',
    b"GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Basic W1siWw==\r\nConnection: close\r\n\r\n",  # user [["[
    "GET /ü HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(),
    b"GET",  # times out without a request
)

STATEMENTS = (
    "create table notes(id int primary key, t text)",
    "select *\nfrom notes\n\n where t = 'FATAL text\n2026-11-29 in a literal LOG:  '",
    "insert into notes values (1,'a'),(1,'b')",
    "select no_such_column from notes",
    "do $$ begin raise warning 'careful,\nsecond \"line\"'; raise notice 'n'; raise info 'an info'; end $$",
)


def write_nginx_logs(folder: Path) -> None:
    """Have a real nginx write its logs of what browsers and scanners send."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, json=_JSON))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with process([program, "-e", folder / "error.log", "-c", config], folder):
        eventually(lambda: _answers(port), "nginx answers")
        for request in _REQUESTS:
            _send(port, request)
        lines = len(_REQUESTS)
        eventually(lambda: (folder / "access.log").read_bytes().count(b"\n") >= lines, "nginx has logged all requests")


def write_postgresql_logs(folder: Path, verbosity: str = "default") -> None:
    """Have a real PostgreSQL write `postgresql.log`, `.csv` and `.json`."""
    programs = max(_POSTGRES.glob("*/bin"))
    port = free_port()
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
        folder.chmod(0o755)
    data = folder / "data"
    initdb: list[str | Path] = [
        *user,
        programs / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "postgres",
        "-N",
        "--locale=C",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, capture_output=True, timeout=120, cwd="/")
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "logging_collector": "on",
        "log_destination": "stderr,csvlog,jsonlog",
        "log_directory": str(folder),
        "log_filename": "postgresql.log",
        "log_file_mode": "0644",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_timezone": "UTC",
        "log_statement": "all",
        "log_duration": "on",
        "log_connections": "on",
        "log_error_verbosity": verbosity,
    }
    settings = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
    with process([*user, programs / "postgres", "-D", data, "-p", str(port), *settings], folder):
        eventually(lambda: _answers(port), "PostgreSQL answers")
        for database, statement in (*(("postgres", text) for text in STATEMENTS), ("no_such_db", "select 1")):
            connection = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", statement, database]
            command: list[str | Path] = [programs / "psql", *connection]
            subprocess.run(command, capture_output=True, check=False, timeout=60, cwd="/")
        eventually(lambda: "no_such_db" in (folder / "postgresql.json").read_text(), "PostgreSQL has logged all")


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _send(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(request)
        client.settimeout(5)
        deadline = time.monotonic() + 5
        try:
            while client.recv(4096) and time.monotonic() < deadline:
                pass
        except OSError:
            return
