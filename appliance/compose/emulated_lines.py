"""The emulated board as a bench whose lines are looked at: the twin's copper instead of a person's eyes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.adapters.link import BoardLink
from appliance.compose import loopback_desk
from appliance.compose.emulated_board import EmulatedBoard, require_able
from appliance.compose.emulation import Emulation
from appliance.compose.home import Home
from appliance.compose.machine import BOARD
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.ids import Bay
from appliance.errors import ControllerEnded
from appliance.service.line_bench import Bench, Eyes, Question, Step, StepResult
from appliance.service.pulse import InlinePulse
from appliance.window import calendar
from hw import profile
from hw.twin.loopback import SupplyLost

CONTACT_SHARE = 2  # times the operate time and bounce


@dataclass(frozen=True, slots=True)
class EmulatedLines:
    """One power-on of the emulated box: its bench, and its eyes and hands."""

    board: EmulatedBoard
    bench: Bench

    def eyes(self, talk: Eyes) -> Eyes:
        """`talk` is told everything; the twin's copper answers."""
        return TwinEyes(self.board, talk)


@contextmanager
def opened(home: Home, emulation: Emulation, *, for_test: bool, in_window: bool) -> Iterator[EmulatedLines]:
    """The box switched on, `in_window` at the next window's begin; off again afterwards. FaultLatched
    `for_test` where it will connect nothing; looked at it can be all the same."""
    home.require()
    with home.lock():
        home.require_born()
        texts = PolicyFiles(home.policy)
        bays = texts.policy.geometry.drives
        board = EmulatedBoard(home, bays, emulation)
        if in_window:
            board.jump(calendar.next_window(texts.policy.windows, board.unix_s).begin_s)
        if for_test:
            require_able(board)
        board.settle()
        try:
            yield EmulatedLines(board, _bench(board, home, emulation, bays))
        except SupplyLost:
            raise ControllerEnded(detail="the interlock took its supply away") from None
        finally:
            board.power_off()


def _bench(board: EmulatedBoard, home: Home, emulation: Emulation, bays: int) -> Bench:
    controller = board.loopback()
    desk = loopback_desk.at(controller, home, emulation.entropy, bays)
    parts = profile.load(BOARD)
    return Bench(
        relays=desk.channel,
        senses=desk.channel.senses,
        link=BoardLink(desk.channel),
        interlock=desk.interlock,
        clock=controller,
        bays=tuple(Bay(number) for number in range(1, bays + 1)),
        pulse=lambda keeper: InlinePulse(keeper, controller),
        settle_ms=CONTACT_SHARE * (parts.relay.operate_ms + parts.relay.bounce_ms),
        carrier_ms=CONTACT_SHARE * parts.carrier_ms,
    )


@dataclass(frozen=True, slots=True)
class TwinEyes:
    """service.line_bench.Eyes on the emulated board. The lamp CONNECTED is lit by the link's copper."""

    board: EmulatedBoard
    talk: Eyes

    def begins(self, step: Step) -> None:
        self.talk.begins(step)

    def sees(self, question: Question) -> bool:
        """What somebody in front of the box would see."""
        measured = self.board.reading().measured
        match question:
            case Question.LAMP_DARK:
                return not measured.link
            case Question.LAMP_LIT:
                return measured.link
            case Question.DRIVES_DARK:
                return not any(measured.drives)

    def turns_key(self, *, turned: bool) -> bool:
        """The twin's own hand."""
        self.board.turn_key(turned=turned)
        return True

    def ended(self, result: StepResult) -> None:
        self.talk.ended(result)
