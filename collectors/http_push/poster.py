"""The sender of single requests: one HTTP session, its credentials, and the pauses between retries."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Self

import aiohttp

from collectors.http_push import access
from collectors.http_push.access import Access, AccessError
from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer, retry_after
from collectors.http_push.config import ReceiverConfig
from collectors.http_push.connector import BoundedConnector
from collectors.offloop import NoThreadError, OneAtATime
from collectors.plain_errors import plain_text

MANY_WAITS = 20
"""The number of waits from which the pause grows no further. Twice as long each time, this is a week."""

TIMED_OUT = "no answer within"
"""The start of the text of an answer that did not come in time."""

_FIRST_WAIT = 0.5
_SHORTEST_WAIT = 0.05  # a receiver is not stormed, whatever the configuration says
_ANSWER_BYTES = 64 * 1024
_CONNECT_SECONDS = 8.0


class Poster:
    """Posts bodies to one receiver.

    Use it as an asynchronous context manager around all requests.

    Args:
        config: The access to the receiver.
        url: The URL of the requests.
        headers: The headers of each request.
        dated: Called with the `Date` header of each answer.
    """

    def __init__(
        self,
        config: ReceiverConfig,
        url: str,
        headers: Mapping[str, str],
        dated: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._url = url
        self._headers = headers
        self._dated = dated
        self._access: Access | None = None
        self._read_access = OneAtATime(lambda: access.load(config), f"read credentials for {config.section}")
        self._session: aiohttp.ClientSession | None = None
        self._connector: BoundedConnector | None = None

    async def __aenter__(self) -> Self:
        self._connector = BoundedConnector()
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # a receiver has no sessions; a login page in front of it does
            timeout=aiohttp.ClientTimeout(total=self._config.timeout, sock_connect=_CONNECT_SECONDS),
            headers={"User-Agent": "wr-agent"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def reload_access(self) -> None:
        """Read the files of the credentials again before the next request."""
        self._access = None

    def pause(self, earlier: int, answer: Answer | None = None) -> float:
        """Return the seconds to wait after so many earlier waits.

        They are random, so that many senders do not return at once, and at least what the answer asks for.
        """
        longest = min(_FIRST_WAIT * 2.0 ** min(earlier, MANY_WAITS), self._config.longest_wait)
        asked = answer.retry_after if answer else 0.0
        return max(longest * random.uniform(0.5, 1.0), _SHORTEST_WAIT, asked)  # noqa: S311 - no secret

    async def post(self, body: bytes) -> Answer:
        """Post a body, and return an answer whatever happens."""
        return await self._exchange("POST", body, _ANSWER_BYTES)

    async def get(self, most_bytes: int) -> Answer:
        """Get the page, at most so many bytes of it, and return an answer whatever happens."""
        return await self._exchange("GET", None, most_bytes)

    async def _exchange(self, method: str, body: bytes | None, most_bytes: int) -> Answer:
        if self._session is None or self._connector is None:
            raise RuntimeError("Poster is used outside its context")
        self._connector.most_bytes = most_bytes
        try:
            self._access = self._access or await self._load_access()
            async with self._session.request(
                method,
                self._url,
                data=body,
                headers={**self._headers, **self._access.headers},
                ssl=self._access.tls,
                server_hostname=self._config.server_name or None,
                proxy=self._access.proxy,
                proxy_headers=self._access.proxy_headers,
                allow_redirects=False,
            ) as response:
                self._dated(response.headers.get("Date", ""))
                return await _answer(response, most_bytes)
        except AccessError as error:
            return Answer(NOT_SENT, str(error))
        except TimeoutError:
            return Answer(NO_ANSWER, f"{TIMED_OUT} {self._config.timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(NO_ANSWER, _valid(_no_answer(error)))

    async def _load_access(self) -> Access:
        """Read the credentials off the event loop.

        Raises:
            AccessError: A file is unusable, or cannot be read in time.
        """
        try:
            return await self._read_access(self._config.timeout)
        except TimeoutError:
            section = self._config.section
            raise AccessError(f"the files that [{section}] names cannot be read in time; check the disk") from None
        except NoThreadError:
            return access.load(self._config)


async def _answer(response: aiohttp.ClientResponse, most_bytes: int) -> Answer:
    text = bytearray()
    async for chunk in response.content.iter_chunked(_ANSWER_BYTES):
        text += chunk
        if len(text) >= most_bytes:
            break
    return Answer(
        response.status,
        text.decode(errors="replace").strip(),
        retry_after(response.headers.get("Retry-After", ""), response.headers.get("Date", "")),
        _valid(response.headers.get("Server", "")),
    )


def _valid(text: str) -> str:
    """Replace the bytes of a header that are no UTF-8, which a document in JSON cannot hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _no_answer(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        peer = "the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
        return f"cannot connect to {peer}{error.host}:{error.port}: {plain_text(error.os_error)}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {error.status} {error.message}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the answer is no HTTP: {error.message.partition(':')[0].lower()}"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "the server closed the connection before the end of its answer"
    return plain_text(error)
