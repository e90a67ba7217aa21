"""The emulated controller's parts while no job runs: what a command speaks to the interlock with, and looks
with, in the command's own thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.interlock import InterlockClient
from appliance.compose import operational_keys
from appliance.compose.home import Home
from appliance.compose.machine import BOARD, NONCE_BYTES
from appliance.ports import Entropy
from hw import profile
from hw.twin.loopback import LoopbackController


@dataclass(frozen=True, slots=True)
class Desk:
    """The board's channel, and the interlock over its serial line."""

    channel: BoardChannel
    interlock: InterlockClient


def at(controller: LoopbackController, home: Home, entropy: Entropy, bays: int) -> Desk:
    """OwnFileMissing without the pairing key."""
    pairing = operational_keys.read(home.seal_state, operational_keys.PAIRING)
    channel, nonce = BoardChannel(controller, profile.load(BOARD), controller), entropy(NONCE_BYTES)
    return Desk(channel, InterlockClient(channel, controller, pairing_key=pairing, nonce=nonce, bays=bays))
