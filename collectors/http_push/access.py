"""The credentials and TLS settings of requests to a receiver, read from files that may change at run time.

Secrets exist only in the headers of this module. Nothing of it is logged.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import getproxies_environment, proxy_bypass

from yarl import URL

from collectors import regular_file
from collectors.http_push.config import ReceiverConfig
from collectors.plain_errors import plain_text

_MAX_BYTES = 4 << 20
"""The maximum size of a file; a bundle of authorities has some 300 KiB."""


class AccessError(Exception):
    """A file that requests to a receiver need cannot be used. The text names the file, never its content."""


@dataclass(frozen=True, slots=True)
class Access:
    """The settings of each request.

    Attributes:
        headers: The tenant and the authorization.
        tls: The context for https, or True for the system's certificates.
        proxy: The URL of the HTTP proxy, or `None` for none.
        proxy_headers: The headers of a request to the proxy for a tunnel.
    """

    headers: dict[str, str] = field(repr=False)
    tls: ssl.SSLContext | bool
    proxy: URL | None = None
    proxy_headers: dict[str, str] | None = field(default=None, repr=False)


def load(config: ReceiverConfig) -> Access:
    """Read the files that the configuration names.

    Raises:
        AccessError: A file is missing, unreadable or malformed.
    """
    headers = {"X-Scope-OrgID": config.tenant} if config.tenant else {}
    headers |= _authorization(config)
    proxy = _proxy(config)
    if proxy is None:
        return Access(headers, _tls(config))
    shown = _proxy_authorization(proxy)
    if URL(config.url).scheme == "http":  # without a tunnel, the proxy reads the request itself
        return Access(headers | shown, _tls(config), proxy.with_user(None))
    return Access(headers, _tls(config), proxy.with_user(None), shown)


def _authorization(config: ReceiverConfig) -> dict[str, str]:
    if config.token_file:
        return {"Authorization": f"Bearer {_secret(f'{config.section}.token_file', config.token_file)}"}
    if config.username:
        password = _secret(f"{config.section}.password_file", config.password_file) if config.password_file else ""
        return {"Authorization": _basic(config.username, password)}
    return {}


def _proxy_authorization(proxy: URL) -> dict[str, str]:
    if not proxy.user:
        return {}
    return {"Proxy-Authorization": _basic(proxy.user, proxy.password or "")}


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _proxy(config: ReceiverConfig) -> URL | None:
    """Return the proxy of the configuration, or the environment's: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`."""
    if config.proxy == "direct":
        return None
    if config.proxy:
        return URL(config.proxy)
    url = URL(config.url)
    if not url.host or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    found = getproxies_environment().get(url.scheme) or getproxies_environment().get("all")
    try:
        return URL(found if "://" in found else f"http://{found}") if found else None
    except ValueError as error:
        raise AccessError(f"{url.scheme.upper()}_PROXY: expected a URL: {error}") from None


def _secret(key: str, path: str) -> str:
    try:
        secret = regular_file.read(Path(path), _MAX_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        raise AccessError(f"{key}: cannot read {path}: {getattr(error, 'strerror', None) or 'no text'}") from None
    if not secret.isprintable() or not secret:
        raise AccessError(f"{key}: expected one line with the secret in {path}, found another form")
    return secret


def _tls(config: ReceiverConfig) -> ssl.SSLContext | bool:
    if not (config.ca_file or config.cert_file):
        return True
    for key in ("ca_file", "cert_file", "key_file"):
        _check(f"{config.section}.{key}", getattr(config, key))
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except OSError as error:
        raise AccessError(f"{config.section}.ca_file: cannot use {config.ca_file}: {_why(error)}") from None
    if config.cert_file:
        try:
            # The callable keeps OpenSSL from asking a terminal for the passphrase of an encrypted key.
            context.load_cert_chain(config.cert_file, config.key_file or None, password=lambda: b"")
        except OSError as error:
            files = f"{config.cert_file} {config.key_file}".strip()
            raise AccessError(f"{config.section}.cert_file: cannot use {files}: {_why(error)}") from None
    return context


def _check(key: str, path: str) -> None:
    """Refuse a file that OpenSSL would wait for, such as a FIFO, or read without end."""
    try:
        if path:
            regular_file.check(Path(path), Path(path).stat(), _MAX_BYTES)
    except (OSError, ValueError) as error:
        raise AccessError(f"{key}: cannot use {path}: {getattr(error, 'strerror', None) or error}") from None


def _why(error: OSError) -> str:
    return plain_text(error)
