"""From an Airflow connection, or the environment that Astro sets, to where and as whom Astro is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_provider_netconn.errors import InvalidConnectionError, InvalidOptionError
from airflow_provider_netconn.hooks.connection_fields import get_connection

if TYPE_CHECKING:
    from airflow_provider_netconn.astro.settings import AstroSettings


def astro_settings(conn_id: str | None = None) -> AstroSettings:
    """The settings of a connection of any type; what it leaves out comes from the environment.

    Its password is the API token. Extra: ``organization_id``, ``api_url``, ``ca_file``.

    :param conn_id: None for the environment alone: ``ASTRO_API_TOKEN``, ``ASTRO_ORGANIZATION_ID``
    :raises InvalidConnectionError: naming the connection and the field; never quoting the token
    :raises InvalidOptionError: naming the variable of the environment that is missing
    """
    from airflow.providers.common.compat.sdk import mask_secret

    from airflow_provider_netconn.astro.settings import AstroSettings

    if conn_id is None:
        settings = AstroSettings.from_environment()
        mask_secret(settings.token)
        return settings
    connection = get_connection(conn_id)
    extra = connection.extra_dejson
    fields = {"organization_id": "ASTRO_ORGANIZATION_ID", "api_url": "ASTRO_API_URL"}
    environment = {**os.environ, **{name: str(extra[key]) for key, name in fields.items() if extra.get(key)}}
    try:
        return AstroSettings.from_environment(
            environment, token=connection.password or "", ca_file=str(extra.get("ca_file") or "")
        )
    except InvalidOptionError as error:
        raise InvalidConnectionError(f"connection {conn_id}", str(error), "password is the API token") from None
