"""The TLS context of the server, built from `tls_server_config`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from agent.config.decode import ConfigError, Problem
from agent.web.security.certificate import expiries, host_names
from agent.web.security.web_file import TlsConfig
from collectors import regular_file

_CLIENT_AUTH = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

_MAX_BYTES = 1 << 20

SERVER = "server"
CLIENT_CA = "client_ca"


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS settings of new connections.

    Attributes:
        config: The section of the file.
        context: The context of `ssl`.
        key_file: The file of the private key.
        names: The host names of the server certificate, in lower case.
        expiries: The expiry of certificates in Unix seconds: for `server` the earliest of its chain, for `client_ca`
            the latest authority.
    """

    config: TlsConfig
    context: ssl.SSLContext
    key_file: Path
    names: frozenset[str]
    expiries: dict[str, float]

    @property
    def knows_clients(self) -> bool:
        """True if every caller must present a certificate."""
        return self.context.verify_mode is ssl.CERT_REQUIRED


def files(config: TlsConfig, folder: Path) -> dict[str, Path]:
    """Return the files that the configuration names, by key; a relative name is relative to `folder`."""
    names = {"cert_file": config.cert_file, "key_file": config.key_file, "client_ca_file": config.client_ca_file}
    return {key: folder / name for key, name in names.items() if name}


def load(config: TlsConfig, path: Path) -> Tls:
    """Read the certificates that the configuration in the file `path` names.

    Raises:
        ConfigError: A file cannot be read, or its content is unusable.
    """
    named = files(config, path.parent)
    texts = {key: _read(file, key, path) for key, file in named.items()}
    context = _context(config)
    _load_chain(context, named, path)
    authorities = texts.get("client_ca_file", config.client_ca)
    if authorities:
        _load_authorities(context, authorities, path)
    ends = {SERVER: min(_expiries(texts["cert_file"], "cert_file", path))}
    if authorities:
        ends[CLIENT_CA] = max(_expiries(authorities, "client_ca_file", path))
    return Tls(config, context, named["key_file"], _host_names(texts["cert_file"], path), ends)


def _context(config: TlsConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion(config.min_version)
    context.maximum_version = ssl.TLSVersion(config.max_version)
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if config.cipher_suites:
        context.set_ciphers(":".join(config.cipher_suites))
    for curve in config.curve_preferences:
        context.set_ecdh_curve(curve)
    context.verify_mode = _CLIENT_AUTH[config.client_auth_type]
    return context


def _load_chain(context: ssl.SSLContext, named: dict[str, Path], path: Path) -> None:
    def refuse_password() -> str:
        raise ValueError("it is encrypted")

    key = named["key_file"]
    try:
        context.load_cert_chain(named["cert_file"], key, password=refuse_password)
    except ssl.SSLError as error:
        reason = (error.reason or "PEM_LIB").replace("_", " ").lower()
        message = f"expected the private key of {named['cert_file']}, both in PEM form: {reason}"
        raise _refused(path, "key_file", message) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{key} cannot be used: {reason}; expected a readable key without a password"
        raise _refused(path, "key_file", message) from error


def _load_authorities(context: ssl.SSLContext, text: str, path: Path) -> None:
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        message = "expected certificates of authorities in PEM form"
        raise _refused(path, "client_ca_file", message) from error


def _expiries(text: str, key: str, path: Path) -> list[float]:
    try:
        return expiries(text)
    except ValueError as error:
        raise _refused(path, key, str(error)) from error


def _host_names(text: str, path: Path) -> frozenset[str]:
    try:
        return host_names(text)
    except ValueError as error:
        raise _refused(path, "cert_file", str(error)) from error


def _read(file: Path, key: str, path: Path) -> str:
    try:
        return regular_file.read(file, _MAX_BYTES).decode("ascii", "replace")
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise _refused(path, key, f"{file} cannot be read: {reason}; check its path and permissions") from error


def _refused(path: Path, key: str, message: str) -> ConfigError:
    return ConfigError(str(path), [Problem(f"tls_server_config.{key}", message)])
