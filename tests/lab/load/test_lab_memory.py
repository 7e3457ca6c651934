"""Twenty thousand resources fit in a lab of less than 300 MB."""

from __future__ import annotations

import subprocess
import sys

LIMIT_MB = 300
MANY = 20_000

_FILL = f"""
import os, uuid
from pathlib import Path
from airflow_provider_netconn.lab.local_azure import LocalAzure

lab = LocalAzure()
base = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/many"
network, reader = f"{{base}}/providers/Microsoft.Network", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
roles = f"{{base.rpartition('/resourceGroups')[0]}}/providers/Microsoft.Authorization/roleDefinitions"
token, airflow = lab.token(), lab.principal("airflow").object_id

def put(path, body):
    answer = lab.request("PUT", path, body, token=token)
    assert answer.status < 300, answer.body

put(base, {{"location": "westeurope"}})
put(f"{{network}}/privateDnsZones/example.com", {{"location": "global"}})
number = 0
while len(lab.plane.store) < {MANY}:
    prefix = f"10.{{number // 256}}.{{number % 256}}"
    subnets = [{{"name": "one", "properties": {{"addressPrefix": f"{{prefix}}.0/26"}}}}]
    space = {{"addressSpace": {{"addressPrefixes": [f"{{prefix}}.0/24"]}}, "subnets": subnets}}
    here = f"{{network}}/virtualNetworks/net-{{number}}"
    put(here, {{"location": "westeurope", "tags": {{"number": str(number)}}, "properties": space}})
    properties = {{"ttl": 10, "aRecords": [{{"ipv4Address": f"{{prefix}}.4"}}]}}
    put(f"{{network}}/privateDnsZones/example.com/A/r{{number}}", {{"properties": properties}})
    put(f"{{network}}/networkSecurityGroups/nsg-{{number}}", {{"location": "westeurope"}})
    widget = {{"location": "westeurope", "properties": {{"number": number}}}}
    put(f"{{base}}/providers/Microsoft.Contoso/widgets/w{{number}}", widget)
    if number < 1500:
        granted = {{"roleDefinitionId": f"{{roles}}/{{reader}}", "principalId": airflow}}
        put(f"{{here}}/providers/Microsoft.Authorization/roleAssignments/{{uuid.uuid4()}}", {{"properties": granted}})
    number += 1
pages = int(Path("/proc/self/statm").read_text().split()[1])
print(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
lab.close()
"""


def test_twenty_thousand_resources_take_less_than_300_mb():
    ran = subprocess.run([sys.executable, "-c", _FILL], capture_output=True, text=True, check=False, timeout=110)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < LIMIT_MB, ran.stdout
