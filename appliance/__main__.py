"""`python -m appliance` and the console script `iwato`."""

from __future__ import annotations

import sys

from appliance.cli import app
from appliance.compose import doctor
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.line_desk import LineDesk


def main() -> int:
    """Run one command; returns its exit status."""
    return app.run(EmulatedAppliance, LineDesk, TemporaryWorld(), doctor.examine, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
