"""From a connection's fields to the targets that its hook would dial."""

from __future__ import annotations

from airflow_provider_netconn.connections.fields import (
    Address,
    AddressField,
    ConnectionFields,
    ConnectionType,
    Reading,
    Transport,
)
from airflow_provider_netconn.connections.names import port_number
from airflow_provider_netconn.connections.table import connection_type
from airflow_provider_netconn.target import Target

_WITHOUT_TLS = frozenset({"http", "plain"})
"""Protocols in which TLS has no place, whatever the connection says of certificates."""


def read_targets(fields: ConnectionFields) -> tuple[Target, ...]:
    """The addresses that a connection's hook would dial, each as a target; at least one, each address once.

    A target is called as the connection is, and where there are several, ``conn_id[host]``, or
    ``conn_id[host:port]`` where hosts repeat. No target and no error holds anything of the connection but addresses
    and its id and type.

    :raises InvalidConnectionError: there is no address, or it is none that can be dialled; the message names the
        connection, the field and the mend
    """
    row = connection_type(fields.conn_type)
    first = next((field for field in row.addresses if _holds(field, fields)), None)
    chosen = [first] if first is not None else []
    chosen += [field for field in row.further if _holds(field, fields)]
    found = [address for field in chosen for address in _read(field, fields, row)]
    if first is None and row.own is not None:
        found += row.own.read(Reading(text="", where="extra", fields=fields, row=row))
    if not found:
        kind = f"a connection of type {fields.conn_type!r}"
        raise fields.refusal("no address", f"{kind} holds it in {row.places}", "fill in one of these")
    transport = row.transport.read(fields) if row.transport is not None else Transport()
    addresses = list(dict.fromkeys(_completed(address, fields, row, transport) for address in found))
    return tuple(_target(address, addresses, fields, transport) for address in addresses)


def _holds(field: AddressField, fields: ConnectionFields) -> bool:
    return field.applies(fields) and field.locator.is_final(fields)


def _read(field: AddressField, fields: ConnectionFields, row: ConnectionType) -> tuple[Address, ...]:
    text = field.locator.value(fields)
    if text is None:  # present but empty, and final all the same
        return ()
    where = str(field.locator)
    if not isinstance(text, field.kind):
        expected = "text" if field.kind is str else "JSON object"
        raise fields.refusal(where, f"is no {expected} but {type(text).__name__}", f"write {field.form}")
    return field.read(Reading(text=text if isinstance(text, str) else "", where=where, fields=fields, row=row))


def _completed(address: Address, fields: ConnectionFields, row: ConnectionType, transport: Transport) -> Address:
    """The address with its port and protocol, from the connection or else from its type."""
    at_port = Reading(text="", where="port", fields=fields, row=row)
    port = address.port or fields.port or transport.port or row.default_port
    if port is None:
        raise at_port.refusal("is empty, and the hook of this type has none of its own", "write the port")
    protocol = address.protocol or transport.protocol or row.protocol
    return Address(host=address.host, port=port_number(at_port, port), protocol=protocol, dial=address.dial)


def _target(address: Address, all_of_them: list[Address], fields: ConnectionFields, transport: Transport) -> Target:
    assert address.port is not None
    assert address.protocol is not None
    hosts = [other.host for other in all_of_them]
    label = address.host if hosts.count(address.host) == 1 else f"{address.host}:{address.port}"
    return Target(
        host=address.host,
        port=address.port,
        protocol=address.protocol,
        name=fields.conn_id if len(all_of_them) == 1 else f"{fields.conn_id}[{label}]",
        conn_id=fields.conn_id,
        conn_type=fields.conn_type,
        dial=address.dial,
        tls=None if address.protocol in _WITHOUT_TLS else transport.tls,
    )
