"""The private address under the public name, in this process alone.

An SDK that is told the public name goes on sending and verifying it, and dials the private address behind it.
"""

from airflow_provider_netconn.resolution.private import PrivateResolution, private_resolution

__all__ = ["PrivateResolution", "private_resolution"]
