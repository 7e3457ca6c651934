"""What the network says: targets, one file a protocol, one registry, the engine. No Airflow, no Azure."""
