"""One exception tree for the whole package.

::

    NetconnError
    ├── InvalidInputError (also ValueError)      what a person wrote is not usable
    │   ├── InvalidTargetError                   a host, port, URL or protocol
    │   ├── InvalidOptionError                   a network, nameserver, time limit, CA file, report path, ...
    │   ├── InvalidConfigError                   a line of a YAML file
    │   └── InvalidConnectionError               an Airflow connection without a usable address
    ├── ReportWriteError                         a report could not be written where it was asked for
    └── UnexpectedVerdictError                   a check ended, and its verdicts are not the expected ones

A failure that the network caused is no exception: it is a result (see :mod:`airflow_provider_netconn.evidence`).
"""

from __future__ import annotations


class NetconnError(Exception):
    """Root of all errors that this package raises."""


class InvalidInputError(NetconnError, ValueError):
    """Bad input. The message alone says which field, what was given and how to mend it, on one printable line.

    :param field: the path of the field as its author would write it, such as ``targets[1].port``
    :param seen: what is wrong with it
    :param remedy: what to write instead
    """

    def __init__(self, field: str, seen: str, remedy: str = "") -> None:
        self.field = field
        self.seen = seen
        self.remedy = remedy
        message = f"{field}: {seen}" + (f"; {remedy}" if remedy else "")
        # A field may be a key of somebody's file, and hold what a terminal obeys.
        super().__init__("".join(sign if sign.isprintable() else " " for sign in message))


class InvalidTargetError(InvalidInputError):
    """A target that cannot be dialled: its host, port, URL or protocol is not valid."""


class InvalidOptionError(InvalidInputError):
    """An option of a check that is not valid: a CIDR, a nameserver, a time limit, a CA file, a report path."""


class InvalidConfigError(InvalidInputError):
    """A YAML file of targets that is not valid; the field starts with ``file:line``."""


class InvalidConnectionError(InvalidInputError):
    """An Airflow connection in which no usable address was found; names the connection, never its secrets."""


class ReportWriteError(NetconnError):
    """A report could not be written.

    :param location: where it should have gone, without credentials
    :param seen: what happened
    :param remedy: what to do
    """

    def __init__(self, location: str, seen: str, remedy: str = "") -> None:
        self.location = location
        self.seen = seen
        self.remedy = remedy
        super().__init__(f"report {location}: {seen}" + (f"; {remedy}" if remedy else ""))


class UnexpectedVerdictError(NetconnError):
    """A check ran to its end and found verdicts that it was told to fail on; the message lists them."""
