"""What the network provider's resource types share: api-versions, polls and how writes are answered.

Answers and polls as recorded from live traffic: a PUT is followed by ``Azure-AsyncOperation`` alone, a DELETE by both
headers; polls answer 200 without id or times.
"""

from __future__ import annotations

from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, provider_polling

NETWORK = "Microsoft.Network"

NETWORK_VERSIONS = (
    "2015-06-15", "2016-03-30", "2016-06-01", "2016-07-01", "2016-08-01", "2016-09-01", "2016-10-01", "2016-11-01",
    "2016-12-01", "2017-03-01", "2017-03-30", "2017-04-01", "2017-06-01", "2017-08-01", "2017-09-01", "2017-10-01",
    "2017-11-01", "2018-01-01", "2018-02-01", "2018-03-01", "2018-04-01", "2018-05-01", "2018-06-01", "2018-07-01",
    "2018-08-01", "2018-10-01", "2018-11-01", "2018-12-01", "2019-02-01", "2019-04-01", "2019-06-01", "2019-07-01",
    "2019-08-01", "2019-09-01", "2019-11-01", "2019-12-01", "2020-01-01", "2020-03-01", "2020-04-01", "2020-05-01",
    "2020-06-01", "2020-07-01", "2020-08-01", "2020-11-01", "2021-01-01", "2021-02-01", "2021-03-01", "2021-04-01",
    "2021-05-01", "2021-06-01", "2021-08-01", "2021-12-01", "2022-01-01", "2022-05-01", "2022-07-01", "2022-09-01",
    "2022-11-01", "2023-02-01", "2023-04-01", "2023-05-01", "2023-06-01", "2023-09-01", "2023-11-01", "2024-01-01",
    "2024-03-01", "2024-05-01", "2024-07-01", "2024-10-01", "2025-01-01", "2025-03-01", "2025-05-01", "2025-07-01",
    "2025-09-01", "2026-01-01", "2026-03-01",
)  # fmt: skip
"""Of all types but those of DNS; the newest are what azure-mgmt-network 33.1 sends."""

NETWORK_POLLING = provider_polling(NETWORK)


def created(duration_s: float) -> Answer:
    """:return: the answer to a PUT that creates

    :param duration_s: how long it takes at time scale 1, in seconds
    """
    return Answer(status=201, follow=Follow.ASYNC_OPERATION, duration_s=duration_s)


def updated(duration_s: float) -> Answer:
    """:return: the answer to a PUT of what is there already

    :param duration_s: how long it takes at time scale 1, in seconds
    """
    return Answer(status=200, follow=Follow.ASYNC_OPERATION, duration_s=duration_s)


def deleted(duration_s: float) -> Answer:
    """:return: the answer to a DELETE

    :param duration_s: how long it takes at time scale 1, in seconds
    """
    return Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, state="Deleting", duration_s=duration_s)


def accepted(duration_s: float) -> Answer:
    """:return: the answer to a POST that takes its time, such as ``effectiveRouteTable``

    :param duration_s: how long it takes at time scale 1, in seconds
    """
    return Answer(status=202, follow=Follow.BOTH, shown=Shown.NOTHING, duration_s=duration_s)
