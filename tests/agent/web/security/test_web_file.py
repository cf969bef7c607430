"""The web configuration file: what is accepted, and how what is not is refused."""

import subprocess
from pathlib import Path

import pytest

from agent.config.decode import ConfigError
from agent.web.security.web_file import WebFile, read
from tests.support.certificates import Certificate

ROOT = Path(__file__).parents[4]
HASH = "$2y$10$" + "a" * 53


def problems(web_file: Path, text: str) -> list[str]:
    web_file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(web_file)
    return [str(problem) for problem in caught.value.problems]


def with_tls(text: str) -> str:
    return f"tls_server_config: {{cert_file: c, key_file: k, {text}}}"


@pytest.mark.parametrize("text", ["", "# nothing\n", "tls_server_config:\nbasic_auth_users:\n"])
def test_a_file_that_says_nothing_asks_nobody(web_file: Path, text: str) -> None:
    web_file.write_text(text)

    assert read(web_file) == WebFile()


def test_everything_that_can_be_said(web_file: Path) -> None:
    web_file.write_text(f"""
tls_server_config:
  cert_file: server.pem
  key_file: /etc/wr-agent/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [prometheus.example]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers: {{Strict-Transport-Security: max-age=31536000, X-Frame-Options: sameorigin}}
basic_auth_users: {{prometheus: {HASH}}}
rate_limit: {{interval: 1m30s, burst: 20}}
""")

    file = read(web_file)

    tls = file.tls_server_config
    assert tls.cipher_suites == ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
    assert (tls.min_version, tls.max_version) == (0x0303, 0x0304)
    assert file.basic_auth_users == {"prometheus": HASH}
    assert float(file.rate_limit.interval) == 90
    assert file.http_server_config.headers.given() == {
        "X-Frame-Options": "sameorigin",
        "Strict-Transport-Security": "max-age=31536000",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tls_server_confg: {}", "tls_server_confg: unknown key; did you mean tls_server_config?"),
        ("[a, b]", "YAML: expected keys such as tls_server_config at the top"),
        ("a: {", "YAML: while parsing a flow node"),
        ("rate_limit: {burst: 1}\nrate_limit: {burst: 2}", "YAML: duplicate key 'rate_limit'"),
        ("!!python/object/apply:os.getpid []", "YAML: could not determine a constructor for the tag"),
        (with_tls("min_version: TLS10"), "tls_server_config.min_version: expected TLS12 or TLS13 (RFC 8996"),
        (with_tls("min_version: TLS14"), "tls_server_config.min_version: expected one of TLS12, TLS13, got 'TLS14'"),
        (with_tls("min_version: TLS13, max_version: TLS12"), "tls_server_config: min_version is above max_version"),
        (with_tls("cipher_suites: [x]"), "tls_server_config.cipher_suites[0]: expected one of TLS_ECDHE_"),
        (
            with_tls("cipher_suites: [TLS_AES_128_GCM_SHA256]"),
            "tls_server_config.cipher_suites[0]: expected a suite of TLS 1.2",
        ),
        (with_tls("curve_preferences: [P9]"), "tls_server_config.curve_preferences[0]: expected one of CurveP256,"),
        (with_tls("curve_preferences: [X25519, CurveP256]"), "tls_server_config: curve_preferences takes one curve"),
        (with_tls("client_auth_type: Maybe"), "tls_server_config.client_auth_type: expected one of"),
        (
            with_tls("client_auth_type: RequestClientCert"),
            "tls_server_config: client_auth_type RequestClient",
        ),
        (
            with_tls("client_auth_type: RequireAnyClientCert"),
            "tls_server_config: client_auth_type RequireAnyCl",
        ),
        (with_tls("client_auth_type: RequireAndVerifyClientCert"), "tls_server_config: client_auth_type RequireAndVer"),
        (with_tls("client_ca_file: x"), "tls_server_config: client_ca_file has no effect without client_auth_type"),
        (with_tls("client_allowed_sans: [x]"), "tls_server_config: client_allowed_sans needs client_auth_type"),
        ("tls_server_config: {cert: x, key: y}", "tls_server_config: cert and key are not read from the file itself"),
        ("tls_server_config: {cert_file: x}", "tls_server_config: expected both cert_file and key_file"),
        ("http_server_config: {http2: true}", "http_server_config: http2 is not supported"),
        ("http_server_config: {headers: {X-Other: a}}", "http_server_config.headers.X-Other: unknown key"),
        (
            "http_server_config: {headers: {X-Frame-Options: no}}",
            "http_server_config.headers.X-Frame-Options: ",
        ),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}', "http_server_config.headers: X-XSS-Protection:"),
        ("basic_auth_users: {a: secret}", "file: basic_auth_users.a: expected a bcrypt hash"),
        (f"basic_auth_users: {{a: {HASH.replace('10', '17')}}}", "file: basic_auth_users.a: expected a cost from 4 to"),
        ("rate_limit: {interval: 1s}", "rate_limit: expected a burst of at least 1, got 0"),
        ("rate_limit: {interval: 1, burst: 1}", "rate_limit.interval: expected a duration such as '1s'"),
        ("rate_limit: {interval: 1x, burst: 1}", "rate_limit.interval: expected a duration such as '1s'"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_path(web_file: Path, text: str, expected: str) -> None:
    (problem,) = problems(web_file, text)

    assert problem.startswith(expected)


def test_no_refusal_shows_a_password(web_file: Path) -> None:
    assert "hunter2" not in problems(web_file, "basic_auth_users: {a: hunter2}")[0]


def test_a_missing_file_is_one_clear_line(web_file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read(web_file)


def test_the_example_is_good_here_and_for_prometheus(tmp_path: Path, server: Certificate) -> None:
    example = (ROOT / "docs" / "web.yml").read_text()
    file = tmp_path / "web.yml"
    file.write_text(example)
    for name, source in {"server.pem": server.cert, "server.key": server.key, "clients.pem": server.cert}.items():
        (tmp_path / name).write_bytes(source.read_bytes())

    checked = subprocess.run(["promtool", "check", "web-config", file], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, f"{file} SUCCESS\n")
    assert read(file).basic_auth_users
