"""The scenes of all causes, a file for each of the catalogue's; importing them writes them down."""

from tests.e2e.causes.scenes import (  # noqa: F401
    address,
    auth,
    connect,
    control_plane,
    engine,
    protocol,
    proxy,
    resolve,
    tls,
    warnings,
)
from tests.e2e.causes.scenes.scene import SCENES, Scene

__all__ = ["SCENES", "Scene"]
