"""The simulation's vault, for daemons."""

from tests.simulation.conftest import vault

__all__ = ["vault"]
