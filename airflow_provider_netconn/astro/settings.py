"""Where and as whom Astro is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_netconn.errors import InvalidOptionError

API_URL: Final = "https://api.astronomer.io/v1"
"""Astronomer, "Astro API reference"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AstroSettings:
    """Where and as whom Astro is asked. Its ``repr`` shows no secret.

    :param token: API token of an Organization, Workspace or Deployment
    :param organization_id: which Organization; in a Deployment Astro sets it
    :param api_url: with its version
    :param ca_file: PEM file of authorities to trust besides the system's
    :raises InvalidOptionError: naming the field; never quoting the token
    """

    token: str = field(repr=False)
    organization_id: str
    api_url: str = API_URL
    ca_file: str = ""

    def __post_init__(self) -> None:
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise InvalidOptionError("ASTRO_API_TOKEN", "is missing or no token", "set it to an Astro API token")
        if not self.organization_id:
            raise InvalidOptionError(
                "ASTRO_ORGANIZATION_ID", "is missing", "Astro sets it in a Deployment; elsewhere set it"
            )
        parts = urlsplit(self.api_url)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
            raise InvalidOptionError("ASTRO_API_URL", "is no https URL", f"write {API_URL}, or leave it out")
        if self.ca_file and not Path(self.ca_file).is_file():
            raise InvalidOptionError("ca_file", f"{self.ca_file!r} is no file", "name a PEM file on this machine")

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, token: str = "", ca_file: str = ""
    ) -> AstroSettings:
        """What Astro sets in a Deployment (``ASTRO_ORGANIZATION_ID``) and the user adds (``ASTRO_API_TOKEN``).

        :param environment: by default this process's
        :param token: instead of the environment's
        :raises InvalidOptionError: naming the variable that is missing
        """
        found = os.environ if environment is None else environment
        return cls(
            token=token or found.get("ASTRO_API_TOKEN", ""),
            organization_id=found.get("ASTRO_ORGANIZATION_ID", ""),
            api_url=(found.get("ASTRO_API_URL") or API_URL).rstrip("/"),
            ca_file=ca_file,
        )
