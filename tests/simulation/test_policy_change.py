"""A policy changes on a whole box: signed, waiting, stopped, in force, on the drives, in the ledger."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.adapters.directory import Directory
from appliance.adapters.token_file import FileToken
from appliance.compose import policy_follow
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.pending_policies import PendingPolicies
from appliance.compose.policy_documents import Papers
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import policy as policy_text
from appliance.errors import IwatoError
from appliance.format.ledger_entry import PolicyAccepted
from appliance.ports import CopyRequest, RestoreRequest
from appliance.service import signing_desk
from appliance.service.signing_desk import Signed
from tests.contract import rosetta_bench
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.test_rebuild import lose_all, rebuild
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox

HOUR_S = 3600
DELAY_S = 72 * HOUR_S
NOON = "window 12:00:00-13:00:00 daily +09:00 link=22m"
Edit = Callable[[str], str]


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def at_noon(text: str) -> str:
    return re.sub(r"(?m)^window .*$", NOON, text)


def proposed(box: VirtualBox, edit: Edit = at_noon) -> bytes:
    policies = box.appliance().policies
    document = policies.compared(edit(str(policies.in_force()["text"])).encode())
    assert not document["findings"], document["findings"]
    return str(document["text"]).encode()


def votes(box: VirtualBox, text: bytes, holders: Sequence[int] = (1, 2, 3)) -> dict[str, str]:
    """The `.sig` files of these holders."""
    texts = PolicyFiles(box.home.policy)
    tokens = [FileToken(str(box.home.token(holder))) for holder in holders]
    signed: Signed = signing_desk.sign_policy(texts.text, text, tokens)
    papers = Papers(texts.policy, policy_text.parse(text), text)
    return papers.armored((int(vote.holder), vote.raw) for vote in signed.votes)


def submit(box: VirtualBox, text: bytes, holders: Sequence[int] = (1, 2, 3)) -> Mapping[str, Any]:
    return box.appliance().policies.submitted(text, votes(box, text, holders))


def pass_time(box: VirtualBox, seconds: int) -> None:
    box.appliance().advance_clock(seconds)


def status(box: VirtualBox) -> Mapping[str, Any]:
    return box.appliance().status()


def version(box: VirtualBox) -> int:
    found = status(box)
    assert not found["alarms"]
    return int(found["policy_version"])


def refused(code: type[IwatoError], act: Callable[[], object]) -> str:
    with pytest.raises(code) as caught:
        act()
    return str(caught.value)


@pytest.mark.clause("THREATS 3.13")
def test_a_policy_takes_effect_after_its_delay_and_not_before(box: VirtualBox) -> None:
    waiting = submit(box, proposed(box))["pending"]
    assert (waiting["version"], waiting["signed_by"], waiting["vetoes"]) == (2, [1, 2, 3], [])
    assert waiting["may_veto"] == [1, 2, 3, 4, 5]
    pass_time(box, DELAY_S - HOUR_S)
    now = status(box)
    assert (now["policy_version"], now["pending_policy"]) == (1, waiting)
    pass_time(box, HOUR_S)
    now = status(box)
    assert (now["policy_version"], now["pending_policy"], now["alarms"]) == (2, None, [])


@pytest.fixture(scope="module")
def second(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """A box with a window under policy 2, signed by 2, 3 and 5. To be copied before it is changed."""
    box = vault.box.copy(tmp_path_factory.mktemp("second") / "home")
    submit(box, proposed(box), (2, 3, 5))
    pass_time(box, DELAY_S + 60)
    window = box.run_window()
    assert (window["complete"], window["warnings"]) == (True, [])
    return box


@pytest.mark.clause("THREATS 3.13")
def test_the_ledger_names_the_new_policy_and_every_drive_holds_both(second: VirtualBox) -> None:
    texts = PolicyFiles(second.home.policy)
    entries = LedgerRecord(second.home, texts).entries()
    named = [(entry.version, entry.hash) for _, entry in entries if isinstance(entry, PolicyAccepted)]
    assert named[1:] == [(2, texts.hash.hex())]
    for bay in range(1, 7):
        held = second.home.bay(bay) / "policy"
        assert (held / "policy-2.txt").read_bytes() == texts.text
        assert (held / "policy-1.txt").is_file()
        assert len(list(held.glob("policy-2.*.sig"))) == 3


@pytest.mark.invariant("I6")
def test_what_was_sealed_under_both_policies_is_recovered_under_the_second(
    vault: Vault, second: VirtualBox, tmp_path: Path
) -> None:
    box = second.copy(tmp_path / "home")
    tokens = tuple(str(box.home.token(holder)) for holder in (2, 4, 5))
    request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=str(tmp_path / "out"))
    assert box.appliance().restore(request, Nobody())["exit"] == 0
    assert not virtual_box.same(vault.source, tmp_path / "out")


def test_a_scrub_after_a_change_finds_no_damage(box: VirtualBox) -> None:
    submit(box, proposed(box))
    pass_time(box, DELAY_S + 60)
    assert box.appliance().scrub(Nobody())["warnings"] == []
    assert all((box.home.bay(bay) / "policy" / "policy-2.txt").is_file() for bay in range(1, 7))


@pytest.mark.clause("THREATS 3.13")
def test_a_window_beyond_the_due_time_is_already_one_of_the_new_policy(box: VirtualBox) -> None:
    submit(box, proposed(box))
    pass_time(box, DELAY_S - 5)
    assert str(status(box)["next_window"])[11:13] == "03"
    box.run_window()
    now = status(box)
    assert (now["policy_version"], str(now["time"])[11:13]) == (2, "12")


def test_another_source_and_another_delay_are_obeyed(box: VirtualBox, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("of another tree")

    def edit(text: str) -> str:
        added = text.replace("delay 72h", f"source more tier=0 path={other}\ndelay 24h")
        return added.replace("scrub ", "scrub 00:00:00-00:10:00 daily +09:00\nscrub ")

    submit(box, proposed(box, edit))
    pass_time(box, DELAY_S + 60)
    assert box.run_window()["complete"]
    assert [part.name for part in box.snapshots()[-1].sources] == ["docs", "more"]
    soon = datetime.fromisoformat(submit(box, proposed(box))["pending"]["due"])
    assert 0 <= (soon - datetime.fromisoformat(status(box)["time"])).total_seconds() - 24 * HOUR_S + 60 < 120


@pytest.mark.clause("THREATS 3.9")
def test_one_holder_stops_a_policy_and_k_others_let_it_go_on(box: VirtualBox) -> None:
    submit(box, proposed(box))
    policies = box.appliance().policies
    stopped = policies.objected([str(box.home.token(4))], None, "zu viel 多すぎる", override=False)["pending"]
    assert (stopped["vetoes"], stopped["stopped"], stopped["may_veto"]) == ([4], True, [1, 2, 3, 5])
    pass_time(box, 2 * DELAY_S)
    assert version(box) == 1
    tokens = [str(box.home.token(holder)) for holder in (1, 2, 5)]
    policies.objected(tokens, None, "but we want it", override=True)
    assert version(box) == 2


def test_a_text_that_takes_the_place_of_another_says_so_and_the_other_never_comes_back(
    box: VirtualBox,
) -> None:
    first, second = proposed(box), proposed(box, lambda text: text.replace("link=60m", "link=20m"))
    assert submit(box, first)["replaced"] is None
    assert submit(box, first)["replaced"] is None
    assert submit(box, second)["replaced"] == policy_text.digest(first).hex()
    assert "POLICY_DROPPED" in refused(errors.InterlockRefused, lambda: submit(box, first))
    pass_time(box, DELAY_S + 60)
    assert PolicyFiles(box.home.policy).text == second


def test_there_is_nothing_to_object_to_where_nothing_waits(box: VirtualBox) -> None:
    policies = box.appliance().policies
    token = [str(box.home.token(4))]
    refused(errors.NothingPending, lambda: policies.objected(token, None, "no", override=False))
    submit(box, proposed(box))
    refused(errors.NothingPending, lambda: policies.objected(token, None, "no", override=True))
    refused(errors.UsageError, lambda: policies.objected(token, None, "x" * 257, override=False))


@pytest.mark.clause("THREATS 3.11")
def test_what_too_few_or_the_wrong_people_signed_never_reaches_the_interlock(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = proposed(box)
    first = PolicyFiles(box.home.policy)
    rolled_back, replayed = first.text, votes(box, text)
    other = proposed(box, lambda old: at_noon(old).replace("22m", "23m"))
    policies = box.appliance().policies
    monkeypatch.setattr(type(policies), "_hand_in", lambda *_given: pytest.fail("it was handed over"))
    refused(errors.SuccessorRefused, lambda: submit(box, text, (1, 2)))
    refused(errors.SuccessorRefused, lambda: policies.submitted(text, {}))
    refused(errors.SuccessorRefused, lambda: policies.submitted(other, replayed))
    refused(errors.SuccessorRefused, lambda: policies.submitted(text.replace(b"22m", b"23m"), replayed))
    assert policies.submitted(rolled_back, {})["version"] == 1, "what is in force changes nothing"


@pytest.mark.clause("THREATS 3.11")
def test_a_policy_of_before_never_comes_back(vault: Vault, second: VirtualBox) -> None:
    first = PolicyFiles(vault.box.home.policy).text
    refused(errors.SuccessorRefused, lambda: second.appliance().policies.submitted(first, {}))


def test_what_only_a_ceremony_may_change_is_refused_before_anybody_signs(box: VirtualBox) -> None:
    policies = box.appliance().policies
    for old, new, word in (
        ("quorum 3 of 5", "quorum 2 of 5", "quorum"),
        ("drives 4+2 write=5", "drives 4+2 write=6", "drives"),
    ):
        document = policies.compared(str(policies.in_force()["text"]).replace(old, new).encode())
        assert document["beyond"] == [word]
        text = str(document["text"]).encode()
        refused(errors.CeremonyNeeded, lambda text=text: submit(box, text))  # type: ignore[misc]


def test_a_source_that_holds_the_home_is_refused_before_anybody_signs(box: VirtualBox) -> None:
    old = str(box.appliance().policies.in_force()["text"])
    draft = re.sub(r"(?m)^source .*$", f"source docs tier=1 path={box.root.parent}", old).encode()
    refused(errors.PathUnsafe, lambda: box.appliance().policies.compared(draft))


@pytest.mark.clause("THREATS 4.9")
def test_a_rebuilt_box_has_every_policy_back_and_works_under_the_newest(
    second: VirtualBox, tmp_path: Path
) -> None:
    box = second.copy(tmp_path / "home")
    texts = PolicyFiles(box.home.policy).public_files()
    assert {"policy/policy-1.txt", "policy/policy-2.txt"} <= set(texts)
    lose_all(box)
    shutil.rmtree(box.home.pending)
    rebuild(box)
    assert PolicyFiles(box.home.policy).public_files() == texts
    assert version(box) == 2


@pytest.mark.clause("FORMAT 11.3")
def test_a_stranger_reads_drives_under_the_second_policy(second: VirtualBox, tmp_path: Path) -> None:
    box = second
    drives = [box.home.bay(bay) for bay in (1, 3, 4, 6)]
    tokens = [box.home.token(holder) for holder in (1, 4, 5)]
    ran = rosetta_bench.alone(rosetta_bench.READER, *rosetta_bench.words(drives, tokens, tmp_path / "out"))
    assert ran.status == 0, ran.err


@pytest.mark.clause("THREATS 3.13")
def test_power_cut_at_any_step_of_following_leaves_a_box_that_follows(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box, proposed(box))
    pass_time(box, DELAY_S - HOUR_S)
    cut = Cut()
    monkeypatch.setattr(policy_follow, "Directory", lambda root: Directory(root, steps=cut))
    whole = box.copy(tmp_path / "whole")
    pass_time(whole, HOUR_S + 60)
    steps = len(cut.labels)
    assert steps >= 8
    for after in sorted({1, steps // 2, steps} | set(range(1, many(1, steps) + 1))):
        cut = Cut(after)
        copied = box.copy(tmp_path / f"cut-{after}")
        with pytest.raises(PowerCut):
            pass_time(copied, HOUR_S + 60)
        cut = Cut()
        assert version(copied) == 2
        assert PolicyFiles(copied.home.policy).public_files() == PolicyFiles(whole.home.policy).public_files()
        shutil.rmtree(copied.root)


def test_a_lost_copy_of_the_pending_text_is_said_and_the_file_brings_it_back(box: VirtualBox) -> None:
    text = proposed(box)
    signatures = votes(box, text)
    box.appliance().policies.submitted(text, signatures)
    shutil.rmtree(box.home.pending)
    assert status(box)["pending_policy"]["text_known"] is False
    box.appliance().policies.submitted(text, signatures)
    assert status(box)["pending_policy"]["text_known"] is True
    shutil.rmtree(box.home.pending)
    pass_time(box, DELAY_S + 60)
    board = box.appliance()._board()
    board.settle()
    board.rest(policy_follow.RIPE_MS)
    board.power_off()
    assert [alarm["code"] for alarm in status(box)["alarms"]] == ["IW-4401"]
    box.appliance().policies.submitted(text, signatures)
    assert version(box) == 2


def test_a_damaged_copy_of_the_pending_policy_is_no_copy_and_the_file_brings_it_back(box: VirtualBox) -> None:
    text = proposed(box)
    signatures = votes(box, text)
    box.appliance().policies.submitted(text, signatures)
    for path in box.home.pending.rglob("*.sig"):
        path.write_bytes(path.read_bytes()[:-40])
    pass_time(box, DELAY_S + 60)
    assert [alarm["code"] for alarm in status(box)["alarms"]] == ["IW-4401"]
    box.appliance().policies.submitted(text, signatures)
    assert version(box) == 2


@pytest.mark.planted
def test_a_controller_that_follows_its_own_clock_is_told_by_the_drive_phase(
    box: VirtualBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(box, proposed(box))
    texts = PolicyFiles(box.home.policy)
    kept = PendingPolicies(box.home.pending).of_version(2)
    policy_follow._install(box.home, texts, next(iter(kept.values())))
    assert [alarm["code"] for alarm in status(box)["alarms"]] == ["IW-4401"]
    refused(errors.PolicyMismatch, lambda: box.appliance().scrub(Nobody()))


@pytest.mark.clause("THREATS 3.4")
def test_every_policy_is_verified_by_the_holders_before_it(second: VirtualBox, tmp_path: Path) -> None:
    found = second.appliance().policies.verified(None, "", {})
    assert [(row["version"], row["signed_by"]) for row in found["policies"]] == [
        (1, [1, 2, 3, 4, 5]),
        (2, [2, 3, 5]),
    ]
    assert found["exit"] == 0
    box = second.copy(tmp_path / "home")
    (box.home.policy / "policy-1.txt").write_bytes(PolicyFiles(box.home.policy).load(1).text + b" ")
    found = box.appliance().policies.verified(None, "", {})
    assert ["error" in row for row in found["policies"]] == [True, False]
    assert found["exit"] == errors.EXIT_EMERGENCY
