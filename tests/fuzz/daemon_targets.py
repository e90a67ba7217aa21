"""What clients send to the daemon, what a daemon answers, and what the daemon remembers."""

from appliance.daemon import record
from appliance.domain import request
from tests.fuzz.target import GARBAGE, Target

DAEMON = (
    Target(name="request", parse=request.decode_request, covers=("appliance.domain.request:decode_request",)),
    Target(name="answer", parse=request.decode_answer, covers=("appliance.domain.request:decode_answer",)),
    Target(
        name="daemon-record", parse=record.decode, covers=("appliance.daemon.record:decode",), refuses=GARBAGE
    ),
)
