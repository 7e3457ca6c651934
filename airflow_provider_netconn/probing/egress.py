"""This machine's own address on the internet, as an echo service sees it.

An echo service answers a GET with the address that the request came from: as plain text (``https://api.ipify.org``), or
as JSON with a member ``ip`` or ``origin``. HTTPS_PROXY and NO_PROXY of the environment count: behind a proxy it is the
proxy's address that services see, and that this tells.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_netconn import __version__
from airflow_provider_netconn.errors import EgressUnknownError, InvalidOptionError

ECHO_URL: Final = "https://api.ipify.org"
"""An echo service that anybody may ask; it learns the address, and nothing else."""
_MOST_BYTES: Final = 10_000
_MEMBERS: Final = ("ip", "origin", "ip_addr", "address")


def egress_address(echo_url: str = ECHO_URL, *, timeout_s: float = 10.0, ca_file: str = "") -> str:
    """Ask an echo service, and give the address that it saw.

    :param echo_url: http or https
    :param ca_file: PEM file of authorities to trust besides the system's
    :raises InvalidOptionError: it is no such URL
    :raises EgressUnknownError: there was no answer, or none with an address in it
    """
    parts = urlsplit(echo_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise InvalidOptionError("echo_url", "is no http or https URL", f"write one such as {ECHO_URL}")
    where = f"{parts.scheme}://{parts.netloc}"
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    request = urllib.request.Request(echo_url, headers={"User-Agent": f"airflow-provider-netconn/{__version__}"})  # noqa: S310 - checked above
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            content = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise EgressUnknownError(where, f"it answered {error.code}") from None
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise EgressUnknownError(where, f"no answer: {getattr(error, 'reason', error)}") from error
    return _address_in(where, content)


def _address_in(where: str, content: bytes) -> str:
    text = content.decode("utf-8", "replace").strip()
    for candidate in _candidates(text):
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
    raise EgressUnknownError(where, f"no address in its answer of {len(content)} bytes")


def _candidates(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    members = [found.get(name) for name in _MEMBERS] if isinstance(found, dict) else [found]
    # Some tell the whole chain of proxies, the client first.
    return [one.split(",")[0].strip() for one in members if isinstance(one, str)]
