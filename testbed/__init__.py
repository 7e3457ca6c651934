"""A network, good and broken, and a real Airflow, both on this machine only: for the demo and for the tests.

Not part of the distribution. Nothing here listens on, or sends to, an address outside 127.0.0.0/8.
"""
