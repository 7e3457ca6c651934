"""Tasks reach a storage account and a database over the private path, though their resolver knows public answers alone."""

from __future__ import annotations

from tests.e2e.private_names.blob_by_hook import TEXT
from tests.e2e.private_names.private_lab import BLOB_ADDRESS

HOOK = "tests.e2e.private_names.blob_by_hook"


def test_the_providers_own_hook_writes_and_reads_a_blob_where_the_zone_is_linked(lab):
    before = lab.packets("data")
    assert lab.run_module("data", HOOK, **lab.connections) == TEXT
    sent = lab.packets("data")
    assert sent[BLOB_ADDRESS] > before.get(BLOB_ADDRESS, 0)
    assert not [address for address in sent if address.startswith("198.19.")]
