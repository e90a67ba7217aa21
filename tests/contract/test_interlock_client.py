"""ports.Interlock over frames: what the golden model says reaches the appliance, through loss and noise."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from appliance.adapters import interlock_words
from appliance.adapters.interlock import InterlockClient
from appliance.domain.phases import BootFacts, Cosignature, InterlockStatus, Lines, Medium, Phase
from appliance.errors import InterlockRefused, InterlockSilent
from appliance.ports import Interlock
from firmware.wire import codes
from hw.twin.loopback import LoopbackController
from tests.firmware import box
from tests.unit.twin_bench import BAYS, DAY_S, WINDOW_S, Bench, Boot

Result = TypeVar("Result")


def play(bench: Bench, act: Callable[[Boot], Result], *, at_s: int | None = None) -> Result:
    """What `act` returns in a freshly booted controller; an error of it is raised here."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(_: LoopbackController) -> None:
            try:
                results.append(act(boot))
            except Exception as error:  # noqa: BLE001 - raised again below, outside the box
                errors.append(error)

        return run

    bench.restart()
    if at_s is not None:
        bench.plant.jump(at_s)
    bench.programs = programs
    assert bench.run(lambda _: bool(results or errors), 60)
    if errors:
        raise errors[0]
    return results[0]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.birth()
    return bench


class LossyLine:
    """A serial line that loses, repeats or spoils chosen writes."""

    def __init__(self, boot: Boot, spoil: Callable[[int, bytes], bytes]) -> None:
        self._line, self._spoil, self.writes = boot.channel, spoil, 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        self._line.write(self._spoil(self.writes, data))

    def read(self, timeout_ms: int) -> bytes:
        return self._line.read(timeout_ms)


class DeafLine:
    """A serial line whose `lost`-th frame from the interlock, counted from 1, does not arrive."""

    def __init__(self, boot: Boot, lost: int) -> None:
        self._line, self._lost = boot.channel, lost
        self._rest, self.heard = b"", 0

    def write(self, data: bytes) -> None:
        self._line.write(data)

    def read(self, timeout_ms: int) -> bytes:
        *bodies, self._rest = (self._rest + self._line.read(timeout_ms)).split(b"\0")
        kept = b""
        for body in filter(None, bodies):
            self.heard += 1
            kept += b"\0" + body + b"\0" if self.heard != self._lost else b""
        return kept


def over(boot: Boot, spoil: Callable[[int, bytes], bytes]) -> InterlockClient:
    line = LossyLine(boot, spoil)
    return InterlockClient(
        line, boot.controller, pairing_key=box.PAIRING_KEY, nonce=boot.entropy(8), bays=BAYS
    )


def test_both_sides_use_the_same_names_of_phases_and_media() -> None:
    assert {phase.name for phase in Phase} == {phase.name for phase in codes.Phase}
    assert {medium.name for medium in Medium} == {medium.name for medium in codes.Medium}
    for phase in Phase:
        assert interlock_words.phase(interlock_words.wire_phase(phase)) is phase


def test_the_client_is_the_port(bench: Bench) -> None:
    def act(boot: Boot) -> Interlock:
        return boot.interlock  # mypy judges the rest

    assert isinstance(play(bench, act), InterlockClient)


def test_hello_gives_everything_that_a_fresh_controller_may_trust(bench: Bench) -> None:
    facts: BootFacts = play(bench, lambda boot: boot.interlock.hello())
    assert facts.phase is Phase.ISOLATED
    assert facts.medium is Medium.INTAKE
    assert facts.policy_version == 1
    assert facts.policy_hash == hashlib.sha256(box.policy_text()).digest()
    assert facts.unix_s >= DAY_S
    assert len(facts.session_nonce) == 8


def test_status_in_the_appliances_words(bench: Bench) -> None:
    def act(boot: Boot) -> InterlockStatus:
        boot.interlock.hello()
        return boot.interlock.heartbeat(1)

    status = play(bench, act)
    assert status.phase is Phase.ISOLATED
    assert status.next_window_s == WINDOW_S
    assert status.measured == status.ordered == Lines(link=False, drives=(False,) * BAYS)


def test_a_request_outside_the_window_is_refused_with_its_cause(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        boot.interlock.hello()
        boot.interlock.heartbeat(1)
        return boot.interlock.request(Phase.INTAKE)

    assert play(bench, act) == "OUTSIDE_WINDOW"
    assert play(bench, act, at_s=WINDOW_S) == ""


def test_every_leaf_is_cosigned_once_and_a_repeat_gets_the_same_answer(bench: Bench) -> None:
    leaf = hashlib.sha256(b"leaf").digest()

    def act(boot: Boot) -> tuple[Cosignature, Cosignature]:
        boot.interlock.hello()
        return boot.interlock.cosign(1, leaf), boot.interlock.cosign(1, leaf)

    first, again = play(bench, act)
    assert first == again
    assert first.size == 1
    assert len(first.signature) == 64


def test_another_leaf_for_the_same_size_is_refused(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        boot.interlock.hello()
        boot.interlock.cosign(1, bytes(32))
        return boot.interlock.cosign(1, b"\x01" * 32)

    with pytest.raises(InterlockRefused):
        play(bench, act)


def test_a_second_policy_is_refused_with_its_cause(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        boot.interlock.hello()
        text = box.policy_text(scrubs=["scrub 14:00:00-14:05:00 daily +00:00"])
        return boot.interlock.upload_policy(text, box.sign(text, b"iwato-policy@v1", (1, 2, 3)))

    assert play(bench, act) == "POLICY_NOT_NEXT"


def test_an_order_is_taken_its_repeat_answered_alike_and_a_replay_after_a_power_cut_is_not(
    bench: Bench,
) -> None:
    policy = bench.plant.device.state.fram.policy
    assert policy is not None
    text = box.order_text(policy)
    signed = box.sign(text, b"iwato-recovery-order@v1", (1, 2, 4))

    def act(boot: Boot) -> tuple[str, str]:
        boot.interlock.hello()
        return boot.interlock.upload_order(text, signed), boot.interlock.upload_order(text, signed)

    assert play(bench, act) == ("", "")
    assert play(bench, act) == ("ORDER_REPLAYED", "ORDER_REPLAYED")


def test_the_interlocks_own_log_is_read_to_its_end(bench: Bench) -> None:
    def act(boot: Boot) -> Sequence[tuple[int, int, str, int]]:
        boot.interlock.hello()
        return boot.interlock.events(0)

    events = play(bench, act)
    assert [event[0] for event in events] == sorted({event[0] for event in events})
    assert any("POLICY" in event[2] for event in events)


def test_a_warning_of_ten_seconds_is_kept() -> None:
    bench = Bench(intake_ms=3_600_000)
    bench.birth()

    def act(boot: Boot) -> list[bool]:
        boot.interlock.hello()
        boot.interlock.heartbeat(0)
        boot.keeper.boot()
        boot.keeper.request_link()
        soon = []
        while boot.keeper.phase in (Phase.CONTACT_TEST, Phase.INTAKE):
            boot.pulse.wait(50)
            soon.append(boot.interlock.cut_soon())
            if boot.keeper.finish_early.is_set():
                break
        return soon

    soon = play(bench, act, at_s=WINDOW_S + 40)
    assert not soon[0]
    assert soon[-1]


# Loss, noise and strangers ----------------------------------------------------------------------------


@pytest.mark.parametrize("lost", range(2, 8))
def test_any_one_lost_frame_is_made_good(bench: Bench, lost: int) -> None:
    def act(boot: Boot) -> object:
        client = over(boot, lambda number, data: b"" if number == lost else data)
        client.hello()
        client.heartbeat(1)
        signature = client.cosign(1, bytes(32)).signature
        return client.request(Phase.INTAKE), len(signature), len(client.events(0)) > 0

    assert play(bench, act, at_s=WINDOW_S) == ("", 64, True)


HEARD_IN_UPLOAD = 11  # frames: two of the greeting, nine answers; the test below counts
SAID_IN_UPLOAD = 11


def uploaded(line: Callable[[Boot], DeafLine | LossyLine]) -> tuple[str, int, int]:
    """What the client says of policy 1 over `line`, how many policies the interlock noted, and how many
    frames were counted."""
    bench = Bench()
    text = box.policy_text()
    bench.plant.turn_key(turned=True)
    said: list[tuple[str, int]] = []

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        def run(_: LoopbackController) -> None:
            over_it = line(boot)
            client = InterlockClient(
                over_it, boot.controller, pairing_key=box.PAIRING_KEY, nonce=boot.entropy(8), bays=BAYS
            )
            client.hello()
            cause = client.upload_policy(text, box.sign(text, b"iwato-policy@v1", (1, 2, 3)))
            said.append((cause, over_it.heard if isinstance(over_it, DeafLine) else over_it.writes))

        return run

    bench.programs = programs
    bench.run(lambda _: bool(said), 60)
    [(cause, frames)] = said
    kinds = [event.kind for event in bench.plant.device.state.fram.journal.events]
    return cause, kinds.count(codes.EventKind.POLICY), frames


def test_the_frames_that_are_lost_below_are_all_of_an_upload() -> None:
    assert uploaded(lambda boot: DeafLine(boot, 0)) == ("", 1, HEARD_IN_UPLOAD)
    assert uploaded(lambda boot: LossyLine(boot, lambda _, data: data)) == ("", 1, SAID_IN_UPLOAD)


@pytest.mark.parametrize("lost", range(1, HEARD_IN_UPLOAD + 1))
def test_an_upload_whose_any_one_answer_is_lost_is_accepted_once(lost: int) -> None:
    cause, adopted, heard = uploaded(lambda boot: DeafLine(boot, lost))
    assert (cause, adopted) == ("", 1)
    assert heard > HEARD_IN_UPLOAD


@pytest.mark.parametrize("lost", range(1, SAID_IN_UPLOAD + 1))
def test_an_upload_whose_any_one_request_is_lost_is_accepted_once(lost: int) -> None:
    line = lambda boot: LossyLine(boot, lambda number, data: b"" if number == lost else data)  # noqa: E731
    assert uploaded(line)[:2] == ("", 1)


def test_an_order_whose_last_answer_is_lost_is_no_replay(bench: Bench) -> None:
    policy = bench.plant.device.state.fram.policy
    assert policy is not None
    text = box.order_text(policy)
    signed = box.sign(text, b"iwato-recovery-order@v1", (1, 2, 4))

    def act(boot: Boot) -> tuple[str, int]:
        line = DeafLine(boot, 2 + 1 + 1 + 3 + 1)  # greeting, begin, one piece, three votes, commit
        client = InterlockClient(
            line, boot.controller, pairing_key=box.PAIRING_KEY, nonce=boot.entropy(8), bays=BAYS
        )
        client.hello()
        return client.upload_order(text, signed), line.heard

    cause, heard = play(bench, act)
    assert cause == ""
    assert heard == 8 + 6, "the whole was sent twice"
    assert len(bench.plant.device.state.fram.nonces) == 1


def test_a_spoiled_frame_changes_nothing_but_a_counter(bench: Bench) -> None:
    def spoil(number: int, data: bytes) -> bytes:
        return bytes([*data[:9], data[9] ^ 4, *data[10:]]) if number == 3 else data

    def act(boot: Boot) -> object:
        client = over(boot, spoil)
        client.hello()
        return client.heartbeat(1).phase

    assert play(bench, act) is Phase.ISOLATED
    assert bench.plant.measured().report.wire_faults == 2  # one spoiled, and so one missing


def test_repeated_frames_are_not_believed_twice(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        client = over(boot, lambda number, data: data * 2 if number > 1 else data)
        client.hello()
        client.heartbeat(1)
        return client.request(Phase.INTAKE)

    assert play(bench, act) == "OUTSIDE_WINDOW"
    assert bench.plant.measured().report.refused == 1


def test_a_repeated_hello_does_not_split_the_two_ends(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        client = over(boot, lambda number, data: data * 2 if number == 1 else data)
        client.hello()
        return client.heartbeat(1).phase

    assert play(bench, act) is Phase.ISOLATED


def test_a_wrong_pairing_key_is_silence(bench: Bench) -> None:
    def act(boot: Boot) -> object:
        stranger = InterlockClient(
            boot.channel, boot.controller, pairing_key=bytes(32), nonce=bytes(8), bays=BAYS
        )
        return stranger.hello()

    with pytest.raises(InterlockSilent):
        play(bench, act)


@pytest.mark.planted
def test_planted_a_client_that_believes_frames_without_their_mac_is_caught(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firmware.wire import frame

    monkeypatch.setattr(frame.Frame, "authentic", lambda *_: True)

    def act(boot: Boot) -> object:
        stranger = InterlockClient(
            boot.channel, boot.controller, pairing_key=bytes(32), nonce=bytes(8), bays=BAYS
        )
        return stranger.hello().policy_version

    assert play(bench, act) == 1
