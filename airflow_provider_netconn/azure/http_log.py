"""What the SDK logs of each request, out of the way: at INFO it would be most of a task's log."""

from __future__ import annotations

import logging
from typing import Any, Final


class _Quiet(logging.LoggerAdapter[logging.Logger]):
    """Logs at DEBUG what it is given at INFO. Only who is given it is quiet: the logger itself stays as it is set."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - of logging's API
        return super().isEnabledFor(_lowered(level))

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        super().log(_lowered(level), msg, *args, **{"stacklevel": 2, **kwargs})


def _lowered(level: int) -> int:
    return logging.DEBUG if level == logging.INFO else level


HTTP_LOG: Final[Any] = _Quiet(logging.getLogger("azure.core.pipeline.policies.http_logging_policy"))
"""For ``logger=`` of azure-core's ``HttpLoggingPolicy`` and of azure-identity's credentials, which hand it on.

Method, URL and headers at DEBUG; azure-core redacts the values of headers and parameters that may be secret.
"""
