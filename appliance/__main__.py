"""`python -m appliance` and the console script `iwato`."""

from __future__ import annotations

import sys

from appliance.cli import app
from appliance.compose import attending, doctor
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.line_desk import LineDesk


def main() -> int:
    """Run one command; returns its exit status."""
    return app.run(
        attending.open_appliance,
        LineDesk,
        TemporaryWorld(),
        doctor.examine,
        sys.argv[1:],
        attend=attending.attend,
    )


if __name__ == "__main__":
    sys.exit(main())
