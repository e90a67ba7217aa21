"""`python -m appliance` and the console script `iwato`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command; returns its exit status."""
    from appliance.cli import app  # noqa: PLC0415 - a controller's boot does not load the faces
    from appliance.compose.demo_world import TemporaryWorld  # noqa: PLC0415
    from appliance.compose.emulated_appliance import EmulatedAppliance  # noqa: PLC0415

    return app.run(EmulatedAppliance, TemporaryWorld(), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
