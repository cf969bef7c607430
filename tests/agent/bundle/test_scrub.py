import json
import time

import pytest

from agent.bundle.scrub import Private, Scrubber

SECRETS = [
    ("password=S3cret!x", "S3cret!x"),
    ('{"db_password": "S3cret x\\"y", "a": 1}', 'S3cret x\\"y'),
    ("api_key: 'abc def'", "abc def"),
    ("client-secret=abc,next", "abc"),
    ("Authorization: Bearer abcdef", "abcdef"),
    ('"Authorization": "Basic dXNlcjpwYXNz"', "dXNlcjpwYXNz"),
    ("Cookie: session=abc; other=def", "def"),
    ("X-Api-Key: abc", "abc"),
    ("curl -H 'Authorization: Digest username=bob'", "bob"),
    ("sent bearer abc123def", "abc123def"),
    ("https://anna:hunter2@loki.example/push", "hunter2"),
    ("https://anna:hunter2@loki.example/push", "anna"),
    ("see http://h/p?key=abc#frag", "abc"),
    ("redis://:hunter2@h:6379/0", "hunter2"),
    ("postgresql://h/db?password=x%20y", "x%20y"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc\n-----END PRIVATE KEY-----\nrest", "MIIEvQ"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ\ncut off", "MIIEvQ"),
    ("users: anna: $2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", "abcdefghij"),
    ("root:$6$salt$abcdefghijklmnop:19000", "abcdefghij"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "eyJhbGci"),
    ("ghp_abcdefghij1234567890", "abcdefghij"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN"),
    ("https://hooks.slack.com/services/T0/B0/aBcDeFgHiJkLmNoPqRsTuV12", "aBcDeFgH"),
    ("digest 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "c2VjcmV0"),
    ("mail anna.b+c@studio.example now", "anna.b+c@studio.example"),
    ('node_dmi_info{product_serial="XY-1"} 1', "XY-1"),
    ('node_uname_info{nodename="annas"} 1', "annas"),
    ('x{user_id="4711",mode="user"} 1', "4711"),
    ("link 52:54:00:12:34:56 up", "52:54:00:12:34:56"),
    ("from 93.184.216.34 came", "93.184.216.34"),
    ("from 2606:2800:220:1:248:1893:25c8:1946 came", "2606:2800"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_looks_like_a_secret_is_blanked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in Scrubber(Private()).text(text)


@pytest.mark.parametrize(
    "text",
    [
        'node_cpu_seconds_total{cpu="0",mode="user"} 12.5',
        'audio_device_info{device="Scarlett 2i2 USB",host_api="ALSA",observer="jack"} 1',
        'wr_agent_loki_push_failures_total{code="credentials"} 3',
        "2026-11-22T07:41:30.123456Z [info] serving url=http://127.0.0.1:9787/metrics version=0.1.0",
        "The clock 12:34:56 and the module std::vector and Linux 6.18.44-fc-v669",
        "loki.token_file: cannot read /etc/wr-agent/loki: Permission denied",
        "password_file=/etc/wr-agent/password",
        "the tokens of 3 passes, 2 passive clients, basic authentication",
        "from 192.168.1.20 and ::1 and 10.0.0.1:3100 and fe80::1",
        "/usr/lib/python3/dist-packages/site/Module",
        "PCI-MSIX-0000:00:01.0 0-edge virtio0-config",
    ],
)
def test_what_helps_is_kept(text: str) -> None:
    assert Scrubber(Private()).text(text) == text


def test_a_url_keeps_where_it_leads() -> None:
    scrubbed = Scrubber(Private()).text("push to https://me:x@loki.example:3100/loki/api/v1/push?a=b failed")

    assert scrubbed == "push to https://[blanked]@loki.example:3100/loki/api/v1/push?[blanked] failed"


def test_people_are_numbered_and_their_homes_and_machines_have_no_names() -> None:
    scrubber = Scrubber(
        Private(people=("anna", "bob"), full_names=("Anna Schmidt",), homes=("/data/bob",), hosts=("annas-studio",))
    )
    scrubber.learn("also /home/carla/x and /Users/dan")

    scrubbed = scrubber.text(
        "anna's bob_2 on annas-studio: /home/anna/Music /data/bob/x /Users/dan/y; Anna Schmidt, carla; annabel; node"
    )

    assert scrubbed == "user1's user2_2 on this-host: ~/Music ~/x ~/y; [name], user3; annabel; node"


def test_a_short_host_name_stays_in_paths_and_words_only() -> None:
    scrubbed = Scrubber(Private(hosts=("mix.example.org", "mix"))).text(
        "mix agent[1]: on mix.example.org, host=mix, MIX; /srv/mix/x dry-mix mixer"
    )

    assert scrubbed == "this-host agent[1]: on this-host, host=this-host, MIX; /srv/mix/x dry-mix mixer"


def test_known_secrets_go_wherever_they_stand() -> None:
    assert Scrubber(Private(secrets=("correct horse",))).text("x=correct horse battery") == "x=[blanked] battery"


@pytest.mark.parametrize(
    "word", ["a", "a.", "aB3", "x-", "a:", "-----BEGIN A-----", "a@", "eyJa.", "$2", "http://", "key=", '"', "1.", "::"]
)
def test_a_long_line_of_anything_takes_no_long_time(word: str) -> None:
    started = time.thread_time()

    Scrubber(Private(people=("anna",), hosts=("annas",))).text(word * (200_000 // len(word)))

    assert time.thread_time() - started < 10


def test_json_stays_json() -> None:
    data = {"detail": 'password="a" and "b"', "items": ["token=x", 3, None, True], "n": {"k": "/home/anna"}}

    scrubbed = Scrubber(Private()).tree(data)

    assert json.loads(json.dumps(scrubbed)) == {
        "detail": 'password="[blanked]" and "b"',
        "items": ["token=[blanked]", 3, None, True],
        "n": {"k": "~"},
    }
