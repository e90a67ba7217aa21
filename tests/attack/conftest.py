"""The simulation's vault, for commands that are run for real."""

from tests.simulation.conftest import vault

__all__ = ["vault"]
