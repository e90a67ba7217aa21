"""ports.Interlock over a real pty with a man in the middle: what arrives is true, or it is silence.

The far end is the golden model's device in the twin. Every meddling is tried in both directions; afterwards
the line is left alone, and the next exchange works (liveness).
"""


import pytest

from appliance.adapters.interlock import InterlockClient
from appliance.domain.phases import InterlockStatus, Lines, Phase
from appliance.errors import InterlockSilent
from firmware.wire import frame
from tests.contract.man_in_the_middle import Meddle, Meddler, PtyLine, honest
from tests.contract.test_interlock_client import play
from tests.depth import many
from tests.firmware import box
from tests.unit.twin_bench import BAYS, WINDOW_S, Bench, Boot

WAYS = ("noise", "drop", "duplicate", "replay", "reorder", "truncate")
BEATS = many(12, 60)
ONE_IN = 4  # frames


@pytest.fixture(scope="module")
def bench() -> Bench:
    bench = Bench()
    bench.birth()
    return bench


def client_on(boot: Boot, line: PtyLine) -> InterlockClient:
    return InterlockClient(
        line, boot.controller, pairing_key=box.PAIRING_KEY, nonce=boot.entropy(8), bays=BAYS
    )


def lived(bench: Bench, outward: Meddle, inward: Meddle) -> tuple[list[InterlockStatus], int, int]:
    """(what the client was told, silences, wire faults) of a session over a meddled line."""

    def act(boot: Boot) -> tuple[list[InterlockStatus], int, int]:
        line = PtyLine(boot, honest, honest)
        client = client_on(boot, line)
        client.hello()
        line.outward, line.inward = outward, inward
        told: list[InterlockStatus] = []
        silences = 0
        for beat in range(BEATS):
            try:
                told.append(client.heartbeat(beat))
            except InterlockSilent:
                silences += 1
        line.outward = line.inward = honest
        told.append(client.heartbeat(BEATS))
        line.close()
        return told, silences, client.wire_faults

    return play(bench, act)


def assert_true(told: list[InterlockStatus]) -> None:
    """What the box is, in every answer, with times that never go back."""
    dark = Lines(link=False, drives=(False,) * BAYS)
    for status in told:
        assert (status.phase, status.policy_version, status.refused) == (Phase.ISOLATED, 1, 0)
        assert status.measured == status.ordered == dark
        assert status.next_window_s == WINDOW_S
    times = [status.unix_s for status in told]
    assert times == sorted(times)


def test_a_line_that_nobody_touches_loses_nothing(bench: Bench) -> None:
    told, silences, faults = lived(bench, honest, honest)
    assert (len(told), silences, faults) == (BEATS + 1, 0, 0)
    assert_true(told)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("direction", ["outward", "inward"])
def test_whatever_is_done_to_the_line_what_arrives_is_true_and_the_line_recovers(
    bench: Bench, way: str, direction: str
) -> None:
    meddler = Meddler(seed=WAYS.index(way), one_in=ONE_IN)
    meddle: Meddle = getattr(meddler, way)
    out, inward = (meddle, honest) if direction == "outward" else (honest, meddle)
    told, silences, faults = lived(bench, out, inward)
    assert meddler.done
    assert_true(told)
    assert silences <= BEATS // 4  # three tries, of which one in four fails
    if direction == "inward" and way not in {"drop", "reorder"}:
        assert faults


@pytest.mark.parametrize("way", ["noise", "drop", "duplicate"])
def test_a_session_begins_over_a_bad_line(bench: Bench, way: str) -> None:
    def act(boot: Boot) -> int:
        first, second = Meddler(seed=1, one_in=ONE_IN), Meddler(seed=2, one_in=ONE_IN)
        line = PtyLine(boot, getattr(first, way), getattr(second, way))
        facts = client_on(boot, line).hello()
        line.close()
        return facts.policy_version

    assert play(bench, act) == 1


def test_a_line_that_is_cut_for_good_is_silence_and_not_a_hang(bench: Bench) -> None:
    def act(boot: Boot) -> bool:
        line = PtyLine(boot, honest, honest)
        client = client_on(boot, line)
        client.hello()
        line.inward = lambda _: []
        try:
            client.heartbeat(1)
        except InterlockSilent:
            return True
        finally:
            line.close()
        return False

    assert play(bench, act)


class Agreeable(bytes):
    """A checksum that equals every other."""

    __slots__ = ()
    __hash__ = bytes.__hash__

    def __ne__(self, _other: object) -> bool:
        return False


class Checksum:
    """Instead of zlib, for a codec that checks nothing."""

    @staticmethod
    def crc32(_body: bytes) -> "Checksum":
        return Checksum()

    @staticmethod
    def to_bytes(length: int, _order: str) -> bytes:
        return Agreeable(length)


@pytest.mark.planted
def test_a_client_that_checks_no_frame_is_caught_by_this_suites_noise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "zlib", Checksum)
    monkeypatch.setattr(frame.Frame, "authentic", lambda *_: True)
    caught = 0
    for seed in range(5):
        try:
            told, _, _ = lived(bench, honest, Meddler(seed, ONE_IN).noise)
            assert_true(told)
        except AssertionError:
            caught += 1
        except (InterlockSilent, ValueError):
            continue
    assert caught
