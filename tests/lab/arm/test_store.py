"""The store's indexes: whatever came and went, each look-up finds what is there, and nothing that is not."""

from __future__ import annotations

import random

from airflow_provider_netconn.lab.arm.identifiers import parse_path
from airflow_provider_netconn.lab.arm.store import Resource, Store, owner_key
from airflow_provider_netconn.lab.resources.generic import generic_kind

GROUP = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Contoso"
KINDS = {name: generic_kind(f"Microsoft.Contoso/{name}") for name in ("widgets", "widgets/parts", "gadgets")}


def resource(path, refers_to):
    kind = KINDS["/".join(parse_path(path).types)]
    return Resource(
        path=parse_path(path), kind=kind, body={"properties": {"of": refers_to}}, created_at=0, changed_at=0
    )


def test_indexes_agree_after_resources_came_and_went_at_random():
    dice, store, there = random.Random(7), Store(), {}
    names = [f"{GROUP}/widgets/{number}" for number in range(8)]
    names += [f"{name}/parts/{number}" for name in names for number in range(3)]
    names += [f"{GROUP}/gadgets/{number}" for number in range(8)]
    for _ in range(3000):
        name = dice.choice(names)
        if name in there and dice.random() < 0.5:
            store.remove(there.pop(name))
        else:
            there[name] = resource(name, dice.choice(names))
            store.add(there[name])
        owner = owner_key(parse_path(dice.choice(names)))
        below = {one.id for one in there.values() if owner_key(one.path) == owner}
        assert {one.id for one in store.children(owner)} == below
        for type_name, kind in KINDS.items():
            of_type = {one.id for one in there.values() if one.kind is kind}
            assert {one.id for one in store.of_type(f"Microsoft.CONTOSO/{type_name}")} == of_type
            assert {one.id for one in store.children(owner, kind.type.upper())} == below & of_type
        referred = dice.choice(names)
        referrers = {one.id for one in there.values() if one.properties["of"] == referred}
        assert {one.id for one in store.referrers(referred)} == referrers
    assert len(store) == len(there)


def test_the_version_of_a_type_changes_with_its_resources_alone():
    store = Store()
    seen = [store.version_of("Microsoft.Contoso/gadgets")]
    store.add(resource(f"{GROUP}/widgets/a", ""))
    assert store.version_of("microsoft.contoso/gadgets") == seen[-1]
    gadget = resource(f"{GROUP}/gadgets/a", "")
    for change in (lambda: store.add(gadget), lambda: store.remove(gadget), store.clear):
        change()
        seen.append(store.version_of("Microsoft.Contoso/gadgets"))
    assert len(set(seen)) == len(seen)
