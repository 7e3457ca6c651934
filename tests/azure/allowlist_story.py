"""The operator that reads allowlists, as a scene beside those of ``fault_stories.py``: it writes nothing."""

from __future__ import annotations

from airflow_provider_netconn.operators.external_ip_allowlist import ExternalIpAllowlistCheckOperator
from tests.azure.fault_stories import Scene
from tests.azure.firewall_landscape import FRIEND, admit_friends, make_service
from tests.azure.tasks import CONN_ID

ALLOWLIST = "allowlist check"


def check_allowlist(stage, label):
    """A vault that admits some; checking it changes nothing."""
    kind = "Microsoft.KeyVault/vaults"
    vault = make_service(stage.lab, kind, name=f"vault-{label}")
    admit_friends(stage.lab, vault, kind)
    before = stage.lab.get(vault)

    def task(**more):  # it never defers
        return ExternalIpAllowlistCheckOperator(
            task_id="task",
            azure_conn_id=CONN_ID,
            resource_ids=[vault],
            addresses=[FRIEND],
            timeout_s=more["timeout_s"],
        )

    def state():
        return "right" if stage.lab.get(vault) == before else "changed"

    return Scene(label=label, task=task, state=state, count=lambda: 1)
