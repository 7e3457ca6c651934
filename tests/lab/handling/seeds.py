"""A landscape that needs no resource type but groups and roles."""

from __future__ import annotations

TENANT = "00000000-0000-4000-8000-0000000000aa"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/data"
OWNER_ID = "00000000-0000-4000-8000-0000000000b2"

SMALL = f"""
tenants:
  - {{name: customer, id: {TENANT}}}
  - {{name: vendor, id: 00000000-0000-4000-8000-0000000000ac}}
subscriptions:
  - {{name: main, id: {SUBSCRIPTION}}}
  - {{name: hosting, id: 00000000-0000-4000-8000-000000000011, tenant: vendor}}
principals:
  - {{name: automation, object_id: {OWNER_ID}, app_id: 00000000-0000-4000-8000-0000000000c2}}
  - {{name: reader, object_id: 00000000-0000-4000-8000-0000000000b3, app_id: 00000000-0000-4000-8000-0000000000c3}}
  - name: astronomer
    tenant: vendor
    object_id: 00000000-0000-4000-8000-0000000000d1
    app_id: a67e6057-7138-4f78-bbaf-fd9db7b8aab0
    also_in: {{customer: 00000000-0000-4000-8000-0000000000b6}}
  - {{name: ann, kind: User, object_id: 00000000-0000-4000-8000-0000000000b1}}
  - name: worker
    kind: ManagedIdentity
    object_id: 00000000-0000-4000-8000-0000000000b5
    app_id: 00000000-0000-4000-8000-0000000000c5
machine: {{system_assigned: worker}}
groups:
  - {{name: data, location: northeurope}}
  - {{name: cluster, subscription: hosting}}
roles:
  - {{principal: automation, role: Owner, scope: "ref:subscriptions/main"}}
  - {{principal: reader, role: Reader, scope: "ref:groups/data"}}
  - {{principal: astronomer, role: Owner, scope: "ref:groups/cluster"}}
  - {{principal: astronomer, role: Reader, scope: "ref:groups/data"}}
astro:
  - organization: {{name: Contoso}}
    workspaces: [{{name: data}}]
    deployments: [{{name: orders, workspaceId: data}}]
    tokens: [{{name: all}}]
"""
