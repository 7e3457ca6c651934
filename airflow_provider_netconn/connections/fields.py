"""The fields of a connection, and the shape of the table that says which of them hold addresses.

Rows are named tuples: to define a dataclass costs ten times as much, and with a secrets backend every process of
Airflow loads this for its first connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.target import TlsUse


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFields:
    """What an Airflow connection holds, but its password: reading an address needs none.

    ``host`` and ``extra`` may carry keys and signatures all the same, so only ``conn_id``, ``conn_type`` and ``port``
    show in the representation.

    :param extra: the connection's ``extra`` as an object; empty where there is none
    :raises InvalidConnectionError: ``extra`` is no object
    """

    conn_id: str
    conn_type: str
    host: str | None = field(default=None, repr=False)
    port: int | None = None
    schema: str | None = field(default=None, repr=False)
    login: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        # Airflow hands on whatever JSON was written, whatever the annotation says.
        given: object = self.extra
        if not isinstance(given, Mapping):
            raise self.refusal("extra", f"is no JSON object but {type(given).__name__}", 'write one such as {"key": 1}')

    def refusal(self, where: str, seen: str, remedy: str) -> InvalidConnectionError:
        """The error of a field of this connection; ``seen`` must not quote the field, for it may hold a secret."""
        return InvalidConnectionError(f"connection {self.conn_id}: {where}", seen, remedy)


class Locator(NamedTuple):
    """Where a value lives in a connection: a column (``host``, ``login``) or a key of ``extra``.

    :param column: ``host``, ``login`` or ``extra``
    :param key: key of ``extra``, in its short form
    :param prefixed: ``extra__<conn_type>__<key>`` is read where the short form is absent, as in hooks that knew
        the long form first
    :param shadows: the key counts as soon as it is present, even when empty; the fields after it are not read then
    """

    column: str
    key: str = ""
    prefixed: bool = False
    shadows: bool = False

    def __str__(self) -> str:
        return f"extra.{self.key}" if self.key else self.column

    def value(self, fields: ConnectionFields) -> Any:
        """The value as it stands there, or None where there is nothing or an empty text."""
        if self.column != "extra":
            return getattr(fields, self.column) or None
        return fields.extra.get(self.key_in(fields)) or None

    def key_in(self, fields: ConnectionFields) -> str:
        """The spelling of the key that this connection uses; the short one wins, as in the hooks."""
        long_form = f"extra__{fields.conn_type}__{self.key}"
        return long_form if self.prefixed and self.key not in fields.extra and long_form in fields.extra else self.key

    def is_final(self, fields: ConnectionFields) -> bool:
        """Whether the search for an address ends here."""
        return self.value(fields) is not None or (self.shadows and self.key in fields.extra)


class Address(NamedTuple):
    """An address as a field holds it.

    :param host: name or address, checked, in ASCII, without brackets
    :param port: TCP port; None means the type's default
    :param protocol: a name of the probing registry; None means the type's
    :param dial: the address that the client connects to where it is another than the host it verifies
    """

    host: str
    port: int | None = None
    protocol: str | None = None
    dial: str | None = None


class Reading(NamedTuple):
    """One field of one connection, about to be read.

    :param text: the field's text
    :param where: the field as its author calls it, such as ``extra.connection_string``
    """

    text: str
    where: str
    fields: ConnectionFields
    row: ConnectionType

    def refusal(self, seen: str, remedy: str) -> InvalidConnectionError:
        """The error of this field; ``seen`` must not quote the text."""
        return self.fields.refusal(self.where, seen, remedy)


class AddressField(NamedTuple):
    """A field that holds an address, and how the address is written in it.

    :param read: takes the address or addresses out of the text; raises ``InvalidConnectionError``
    :param form: how it is written, in words for an error's remedy: ``a host name``, ``a connection string``
    :param starts_with: only a text that starts so is an address
    :param unless: the hook passes this field by where one of these holds something
    :param only_if: the hook reads this field only where this one holds something
    :param kind: what the field's value is: a text, or an object that ``read`` finds in the connection by itself
    """

    locator: Locator
    read: Callable[[Reading], tuple[Address, ...]]
    form: str
    starts_with: str = ""
    unless: tuple[Locator, ...] = ()
    only_if: Locator | None = None
    kind: type[str] | type[dict[str, Any]] = str

    def applies(self, fields: ConnectionFields) -> bool:
        """Whether the hook looks at this field of this connection at all."""
        if self.only_if is not None and self.only_if.value(fields) is None:
            return False
        if self.starts_with and not str(self.locator.value(fields)).startswith(self.starts_with):
            return False
        return all(locator.value(fields) is None for locator in self.unless)


class OwnAddress(NamedTuple):
    """The address that a type has by itself, where no field of the connection holds one.

    :param read: gives it; may look at other fields, such as the name of a cloud; raises ``InvalidConnectionError``
    :param form: which it is, in words: ``management.azure.com``
    """

    read: Callable[[Reading], tuple[Address, ...]]
    form: str


class Transport(NamedTuple):
    """What a connection says of how its client talks; None where it says nothing.

    :param protocol: a name of the probing registry
    :param port: TCP port where none is written
    :param tls: what the client does about TLS; ``verify`` only where it checks both the chain and the name
    """

    protocol: str | None = None
    port: int | None = None
    tls: TlsUse | None = None


class TransportFields(NamedTuple):
    """The fields that say how a connection's client talks.

    :param read: takes it out of the connection; raises ``InvalidConnectionError``
    :param form: the fields and what they mean, in words, in Markdown
    """

    read: Callable[[ConnectionFields], Transport]
    form: str


class ConnectionType(NamedTuple):
    """One row of the table: where the connections of one type hold their addresses.

    :param addresses: the fields, in the hook's order of preference: the first that holds something is the one
    :param default_port: TCP port where none is written; None means that one must be written
    :param protocol: a name of the probing registry
    :param own: the address where no field holds one
    :param transport: the fields that say how the client talks
    :param client_id_if: where this field holds something, ``login`` is a client id and never an account's name
    :param further: fields whose addresses come besides the first
    :param source: the code that the row was read from
    """

    conn_type: str
    addresses: tuple[AddressField, ...] = ()
    default_port: int | None = None
    protocol: str = "plain"
    own: OwnAddress | None = None
    transport: TransportFields | None = None
    client_id_if: Locator | None = None
    further: tuple[AddressField, ...] = ()
    source: str = ""

    @property
    def places(self) -> str:
        """The fields that can hold an address, in words; empty where none can."""
        fields = (*self.addresses, *self.further)
        # What one field may hold in two forms, or for two clients, is one place.
        return ", ".join(dict.fromkeys(f"{field.locator} ({field.form})" for field in fields))
