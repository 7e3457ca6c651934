"""Write a blob and read it back with the provider's own hook; run inside the lab."""

from __future__ import annotations

import json

from airflow.providers.microsoft.azure.hooks.wasb import WasbHook

TEXT = "id,amount\n1,42\n"


def main() -> str:
    hook = WasbHook("wasb_lake")
    hook.load_string(TEXT, "raw", "orders.csv", create_container=True, overwrite=True)
    return hook.read_file("raw", "orders.csv")


if __name__ == "__main__":
    print(json.dumps(main()))
