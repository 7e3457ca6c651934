"""How tests reach the services of a lab: by their public names, where the lab serves them."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess

CALLER = "198.51.100.10"
"""Whom the services see where nothing else is said."""
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/data"
ENDPOINTS_SUBNET = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network/providers/Microsoft.Network"
    "/virtualNetworks/data/subnets/endpoints"
)
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contosolake"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/contoso-vault"
SQL = f"{GROUP}/providers/Microsoft.Sql/servers/contoso-warehouse"
SERVICE_BUS = f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/contoso-events"


def change(lab, resource, properties):
    """Change some properties of a resource, as PATCH does."""
    lab.request("PATCH", resource, {"properties": properties})


def connect_privately(lab, resource, group, name="to-it"):
    """A private endpoint, approved at once; its id."""
    endpoint = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/{name}"
    connection = {"privateLinkServiceId": resource, "groupIds": [group]}
    properties = {
        "subnet": {"id": ENDPOINTS_SUBNET},
        "privateLinkServiceConnections": [{"name": name, "properties": connection}],
    }
    made = lab.put(endpoint, {"location": "westeurope", "properties": properties})
    assert made["properties"]["provisioningState"] == "Succeeded"
    return endpoint


def caller_address(lab, address):
    """The address in 127/8 from which a connection comes as from another address."""
    return lab._call(lambda: lab.local.addresses.local_address("internet", address))


@contextlib.contextmanager
def tls(lab, host, port=443, *, private_endpoint=None, source=None, verify=True, name=None):
    """A connection under TLS to a service, by its public name unless another is told."""
    context = ssl.create_default_context(cafile=lab.ca_file)
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = lab.endpoint(host, port, private_endpoint=private_endpoint)
    with (
        socket.create_connection(address, timeout=10, source_address=(source, 0) if source else None) as raw,
        context.wrap_socket(raw, server_hostname=name or host) as wrapped,
    ):
        yield wrapped


def curl(lab, url, *options, private_endpoint=None):
    """What curl gets: status, headers in lower case, body; it dials where the lab serves the name."""
    host = url.partition("://")[2].partition("/")[0]
    address, port = lab.endpoint(host, private_endpoint=private_endpoint)
    command = ["curl", "-sS", "-i", "--max-time", "20", "--cacert", lab.ca_file]
    command += ["--connect-to", f"{host}:443:{address}:{port}", *options, url]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    if done.returncode:
        raise ConnectionError(done.returncode, done.stderr.decode())
    head, _, body = done.stdout.decode("utf-8", "replace").partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
    return int(lines[0].split(" ")[1]), headers, body


def error_of(body):
    """The error in a JSON body."""
    return json.loads(body)["error"]
