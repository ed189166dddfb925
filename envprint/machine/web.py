"""One document from the web, within a time and a size, and from nowhere else than was asked for.

A redirect leads to no other scheme, and to no address that only this machine or its network can
reach, unless the first address was such a one. Addresses of a cloud's metadata are never asked:
they hand out credentials.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.parse
import urllib.request

from envprint.core.typed import Any

REDIRECTS = 5
_CHUNK = 1 << 16
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
# https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
# https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm
_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192"))
)
"""Beside those of the link itself, 169.254.0.0/16 and fe80::/10."""


class RefusedAddressError(OSError):
    """An address that is not asked."""


def get(url: str, timeout_s: float, limit: int) -> bytes:
    """The content at an address of http or https, at most `limit` + 1 bytes. Raises `OSError`."""
    until = time.monotonic() + timeout_s
    request = _request(url)
    reach = _reach(_host(url))
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(reach),
        _Http(reach),
        _Https(reach),
    ):
        opener.add_handler(handler)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return _read(response, until, limit)
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        cause = error.reason
        raise (cause if isinstance(cause, OSError) else OSError(str(cause))) from None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from None


def _read(response: Any, until: float, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit + 1
    while left > 0 and (chunk := response.read1(min(_CHUNK, left))):
        if time.monotonic() > until:
            raise TimeoutError("it does not end in time")
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _request(url: str) -> urllib.request.Request:
    """With user and password as a header, which no redirect takes along."""
    parts = urllib.parse.urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=place)))
    if at:
        plain = urllib.parse.unquote(credentials).encode("utf-8", "surrogateescape")
        request.add_unredirected_header(
            "Authorization", f"Basic {base64.b64encode(plain).decode('ascii')}"
        )
    return request


def _host(url: str) -> str:
    host = urllib.parse.urlsplit(url).hostname
    if not host:
        raise OSError("the address names no host")
    return host


_LOOPBACK, _PRIVATE, _PUBLIC = range(3)


def _reach(host: str) -> int:
    """From where a host can be reached, by its nearest address. Raises `OSError`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        # Behind a proxy, names outside may not be known here.
        if urllib.request.getproxies():
            return _PUBLIC
        raise
    return min(_reach_of(str(entry[4][0])) for entry in found)


def _reach_of(text: str) -> int:
    address: Any = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address in _METADATA:
        raise RefusedAddressError(f"{address} is an address of the link or of a cloud's metadata")
    if address.is_loopback or address.is_unspecified:
        return _LOOPBACK
    return _PUBLIC if address.is_global else _PRIVATE


def _require(reach: int, allowed: int, place: str) -> None:
    if reach < allowed:
        raise RefusedAddressError(
            f"it leads to {place}, which only this machine or network reaches"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = REDIRECTS

    def __init__(self, reach: int) -> None:
        self._allowed = reach

    def redirect_request(self, req: Any, *answer: Any) -> Any:
        try:
            self._require_place(req.full_url, answer[-1])
        except OSError:
            answer[0].close()
            raise
        return super().redirect_request(req, *answer)

    def _require_place(self, before: str, after: str) -> None:
        schemes = [urllib.parse.urlsplit(url).scheme for url in (before, after)]
        if schemes[1] not in ("https", schemes[0]):
            raise RefusedAddressError(f"it leads from {schemes[0]} to {schemes[1] or 'no scheme'}")
        _require(_reach(_host(after)), self._allowed, _host(after))


class _Http(urllib.request.HTTPHandler):
    def __init__(self, reach: int) -> None:
        super().__init__()
        self._allowed = reach

    def http_open(self, req: Any) -> Any:
        return self.do_open(_looking(http.client.HTTPConnection, self._allowed), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, reach: int) -> None:
        super().__init__()
        self._allowed = reach

    def https_open(self, req: Any) -> Any:
        return self.do_open(_looking(http.client.HTTPSConnection, self._allowed), req)


def _looking(kind: Any, allowed: int) -> Any:
    """A connection that looks whom it has reached: a name may have got another address since."""

    class Connection(kind):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            peer = str(self.sock.getpeername()[0])
            try:
                if not urllib.request.getproxies():
                    _require(_reach_of(peer), allowed, peer)
            except OSError:
                self.close()
                raise

    return Connection
