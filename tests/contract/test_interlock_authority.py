"""Policies, vetoes and orders over the line: production client, frames, the twin's memory and clock."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import cast

import pytest

from appliance.domain.phases import Phase
from firmware.model import limits
from firmware.wire.codes import UploadKind
from firmware.wire.messages import Authority
from tests.contract.test_interlock_client import play
from tests.firmware import box
from tests.firmware.papers import Pen, votes
from tests.unit.twin_bench import DAY_S, Bench, Boot

DELAY_S = 60


@pytest.fixture
def bench() -> Bench:
    bench = Bench(policy=box.policy_text(delay=f"{DELAY_S}s"))
    bench.birth()
    return bench


def pen(bench: Bench) -> Pen:
    """Writes under the policy of the twin's interlock."""
    state = bench.plant.device.state
    return Pen(cast("box.Box", SimpleNamespace(state=state, rtc_s=bench.plant.unix_ms // 1000)))


def send(boot: Boot, kind: UploadKind, text: bytes, holders: tuple[int, ...] = (1, 2, 3)) -> str:
    return boot.interlock.submit(kind.name, text, votes(kind, text, holders))


def test_a_policy_change_with_veto_and_override_survives_the_power_and_takes_effect(bench: Bench) -> None:
    text = pen(bench).successor(delay="2h")

    def propose(boot: Boot) -> tuple[str, str, str]:
        boot.interlock.hello()
        accepted = boot.interlock.upload_policy(text, votes(UploadKind.POLICY, text))
        writer = pen(bench)
        vetoed = send(boot, UploadKind.VETO, writer.veto(), (4,))
        return accepted, vetoed, send(boot, UploadKind.OVERRIDE, writer.override(4), (1, 2))

    def ask(boot: Boot) -> Authority:
        boot.interlock.hello()
        return boot.interlock.authority()

    def override(boot: Boot) -> str:
        boot.interlock.hello()
        return send(boot, UploadKind.OVERRIDE, pen(bench).override(4))

    assert play(bench, propose) == ("", "", "SIGNATURES_MISSING")
    bench.power_on()
    said = play(bench, ask)
    assert (said.policy_version, said.pending_version, said.vetoes) == (1, 2, 0b1000)
    assert said.pending_hash == hashlib.sha256(text).digest()
    play(bench, ask, at_s=said.pending_due_s)
    bench.plant.advance(limits.RIPE_MS * 2)
    assert play(bench, ask).policy_version == 1
    assert play(bench, override) == ""
    bench.plant.advance(limits.RIPE_MS * 2)
    after = play(bench, ask)
    assert (after.policy_version, after.pending_version) == (2, 0)
    assert after.policy_hash == hashlib.sha256(text).digest()


def test_a_quorum_sets_the_twins_clock_and_it_runs_on_from_there(bench: Bench) -> None:
    def order(boot: Boot) -> str:
        boot.interlock.hello()
        bench.plant.turn_key(turned=True)
        bench.plant.hands.clock_lost = True
        bench.plant.advance(200)
        assert boot.interlock.heartbeat(1).unix_s == 0
        challenge, age_s = boot.interlock.challenge()
        assert age_s == 0
        text = pen(bench).time(DAY_S + 5000, challenge=challenge)
        return send(boot, UploadKind.TIME_ORDER, text)

    def look(boot: Boot) -> int:
        boot.interlock.hello()
        return boot.interlock.heartbeat(1).unix_s

    assert play(bench, order) == ""
    assert DAY_S + 5000 <= play(bench, look) <= DAY_S + 5030
    bench.power_on()
    assert DAY_S + 5000 <= play(bench, look) <= DAY_S + 5060


def test_a_release_over_the_line_brings_the_box_home(bench: Bench) -> None:
    def secure(boot: Boot) -> str:
        boot.interlock.hello()
        return boot.interlock.request(Phase.SECURED)

    def release(boot: Boot) -> str:
        boot.interlock.hello()
        bench.plant.turn_key(turned=True)
        bench.plant.advance(200)
        return send(boot, UploadKind.RELEASE_ORDER, pen(bench).release(secured=True))

    assert play(bench, secure) == ""
    assert play(bench, release) == ""
    bench.plant.advance(5000)
    assert bench.plant.phase.name == "ISOLATED"
    assert play(bench, release) == "NOT_NOW"
