import ssl

import pytest

from agent.web.security.go_names import CipherSuite, Curve, GoDuration, Version


@pytest.mark.parametrize(
    ("go", "openssl"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
    ],
)
def test_a_suite_has_its_name_in_openssl(go: str, openssl: str) -> None:
    suite = CipherSuite.parse(go)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(suite)

    assert suite == openssl
    assert openssl in {it["name"] for it in context.get_ciphers()}


def test_a_suite_of_tls_1_3_cannot_be_chosen() -> None:
    with pytest.raises(ValueError, match=r"remove it, TLS 1\.3 is always on"):
        CipherSuite.parse("TLS_AES_128_GCM_SHA256")


@pytest.mark.parametrize("parse", [CipherSuite.parse, Curve.parse, Version.parse])
def test_an_unknown_name_is_refused_with_those_that_are_known(parse: type) -> None:
    with pytest.raises(ValueError, match=r"^expected one of .+, .+, got 'unknown'$"):
        parse("unknown")


@pytest.mark.parametrize("go", ["CurveP256", "CurveP384", "CurveP521", "X25519"])
def test_each_curve_is_one_of_openssls(go: str) -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(Curve.parse(go))


def test_versions_are_those_of_pythons_ssl() -> None:
    assert ssl.TLSVersion(Version.parse("TLS12")) is ssl.TLSVersion.TLSv1_2
    assert ssl.TLSVersion(Version.parse("TLS13")) is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("text", ["TLS10", "TLS11"])
def test_a_broken_version_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 8996 forbids older versions"):
        Version.parse(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1s", 1), ("250ms", 0.25), ("1m30s", 90), ("1.5h", 5400), ("3µs", 3e-6), ("2us", 2e-6), ("7ns", 7e-9)],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert GoDuration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "1s ", "-1s", "1d", "1s1", "1ss"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        GoDuration.parse(text)
