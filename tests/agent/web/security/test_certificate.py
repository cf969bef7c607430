from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.web.security.certificate import expiries
from tests.support.certificates import Authority


def in_days(days: int) -> float:
    return (datetime.now(UTC) + timedelta(days=days)).timestamp()


@pytest.mark.parametrize("days", [1, 90, 40_000])  # the last one is written as GeneralizedTime
def test_the_end_is_as_openssl_set_it(tmp_path: Path, days: int) -> None:
    made = Authority(tmp_path).issue("server", days=days)

    assert expiries(made.cert.read_text()) == [pytest.approx(in_days(days), abs=60)]


def test_a_chain_gives_one_end_each(authority: Authority) -> None:
    chain = authority.issue("short", days=5).cert.read_text() + "\nand a comment\n" + authority.cert.read_text()

    assert expiries(chain) == [pytest.approx(in_days(5), abs=120), pytest.approx(in_days(30), abs=120)]


@pytest.mark.parametrize("inner", ["", "MA==", "MIIB", "MAMCAQE="])
def test_what_is_no_certificate_is_refused(inner: str) -> None:
    with pytest.raises(ValueError, match="in PEM form"):
        expiries(f"-----BEGIN CERTIFICATE-----\n{inner}\n-----END CERTIFICATE-----\n")
