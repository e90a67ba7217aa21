"""The vault of the simulation."""

from tests.simulation.conftest import vault

__all__ = ["vault"]
