"""Service Bus over AMQP, with Azure's own client and octet by octet."""

import pytest

from tests.lab.services.reaching import SERVICE_BUS, connect_privately, tls

HOST = "contoso-events.servicebus.windows.net"
AMQP, SASL = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"


def shut(lab):
    lab.put(f"{SERVICE_BUS}/networkRuleSets/default", {"properties": {"publicNetworkAccess": "Disabled"}})


def opened(lab, **how):
    """What a connection brings until its end, by hand: SASL ANONYMOUS, then open."""
    with tls(lab, HOST, 5671, **how) as connection:
        connection.settimeout(10)
        connection.sendall(SASL)
        greeting = b""
        while b"EXTERNAL" not in greeting:
            greeting += connection.recv(1000)
        init = b"\x00\x53\x41\xc0\x0c\x01\xa3\x09ANONYMOUS"
        connection.sendall((8 + len(init)).to_bytes(4, "big") + b"\x02\x01\x00\x00" + init + AMQP)
        body = b"\x00\x53\x10\xc0\x04\x01\xa1\x01x"
        connection.sendall((8 + len(body)).to_bytes(4, "big") + b"\x02\x00\x00\x00" + body)
        begin = b"\x00\x53\x11\xc0\x0c\x04\x40\x43\x70\x00\x00\x08\x00\x52\x64"
        connection.sendall((8 + len(begin)).to_bytes(4, "big") + b"\x02\x00\x00\x00" + begin)
        rest = b""
        while b"amqp:" not in rest:
            rest += connection.recv(1000)
        close = b"\x00\x53\x18\x45"
        connection.sendall((8 + len(close)).to_bytes(4, "big") + b"\x02\x00\x00\x00" + close)
        assert connection.recv(1000) == b""
    return greeting, rest


def test_it_greets_as_service_bus_does(azure_lab):
    greeting, rest = opened(azure_lab)
    assert greeting.startswith(SASL)
    assert b"MSSBCBS" in greeting
    assert AMQP in rest
    assert b"amqp:not-implemented" in rest


def test_who_is_kept_out_is_told_it_is_unauthorized(azure_lab):
    endpoint = connect_privately(azure_lab, SERVICE_BUS, "namespace")
    shut(azure_lab)
    assert b"amqp:unauthorized-access" in opened(azure_lab)[1]
    assert b"amqp:unauthorized-access" not in opened(azure_lab, private_endpoint=endpoint)[1]


@pytest.mark.usefixtures("names")
def test_azures_own_client_reads_the_refusal(azure_lab):
    servicebus = pytest.importorskip("azure.servicebus")
    key = azure_lab.request("POST", f"{SERVICE_BUS}/authorizationRules/RootManageSharedAccessKey/listKeys")[
        "primaryKey"
    ]
    text = f"Endpoint=sb://{HOST}/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key}"
    shut(azure_lab)
    with servicebus.ServiceBusClient.from_connection_string(
        text, retry_total=0, connection_verify=azure_lab.ca_file, transport_type=servicebus.TransportType.Amqp
    ) as client:
        sender = client.get_queue_sender("orders")
        with pytest.raises(servicebus.exceptions.ServiceBusError, match="prevented to connect"):
            sender.create_message_batch()
        sender.close()
