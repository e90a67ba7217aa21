"""The power goes at every durable step of sealing one small batch, and then again during the recovery.

After every cut a fresh process commits or rolls forward, nothing that was acknowledged is lost, and no
placed file was changed (I7, I8, I10).
"""

import shutil
from pathlib import Path

import pytest

from appliance.service.ledger_copies import LedgerCopies
from tests import depth
from tests.simulation.sealing_bench import Bench, PowerCut, assert_nothing_overwritten

SIZES = [5_000]


def steps_of_one_run(place: Path) -> list[str]:
    bench = Bench(place)
    bench.stage(SIZES)
    began = len(bench.supply.steps)
    bench.boot().seal()
    return bench.supply.steps[began:]


def run_until_cut(bench: Bench, left: int) -> bool:
    """One drive phase with so many durable steps of power left; True when it was cut."""
    bench.supply.left = left
    try:
        bench.boot().seal()
    except PowerCut:
        return True
    finally:
        bench.supply.left = None
    return False


def assert_acknowledged_is_kept(bench: Bench, acknowledged: int) -> None:
    """Everything the witness had signed before is in the history, and readable from any four drives."""
    booted = bench.boot()
    assert booted.ledger.history.size >= acknowledged
    bench.assert_readable(booted)
    bench.assert_readable(bench.boot(only=[2, 3, 5, 6]))


def after_a_cut(bench: Bench) -> None:
    """What holds at once, and after the next undisturbed run."""
    acknowledged = bench.witness.memory.log.size
    before = bench.drive_files()
    report = bench.boot().seal()
    assert_nothing_overwritten(before, bench.drive_files())
    assert not report.refused
    assert bench.committed(bench.boot()) == set(bench.contents)
    assert_acknowledged_is_kept(bench, acknowledged)
    assert not [name for name in bench.staged() if name.startswith(("packs", "batches"))]
    assert [name for name in bench.staged() if name.startswith("receipts")]
    seals = bench.boot().catalogue().seals
    assert len({seal.snapshot for seal in seals.values()}) == len(seals) == 1


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return steps_of_one_run(tmp_path_factory.mktemp("count"))


def test_the_run_has_the_durable_steps_that_the_order_says(steps: list[str]) -> None:
    def first(text: str) -> int:
        return next(number for number, step in enumerate(steps) if text in step)

    last_shard = max(number for number, step in enumerate(steps) if "rename shards/" in step)
    assert last_shard < first("rename ledger/") < first("witness asked") < first("witness persisted")
    assert first("witness persisted") < first("rename checkpoints/") < first("rename receipts/")
    assert first("rename receipts/") < first("unlink packs/") < first("unlink batches/")


@pytest.mark.invariant("I6", "I7")
@pytest.mark.parametrize("part", range(8))
def test_power_cut_at_every_durable_step_loses_nothing(tmp_path: Path, steps: list[str], part: int) -> None:
    stride = 8 * depth.many(7, 1)
    for cut in range(part * depth.many(7, 1), len(steps), stride):
        bench = Bench(tmp_path / str(cut))
        bench.stage(SIZES)
        assert run_until_cut(bench, cut), cut
        after_a_cut(bench)
        shutil.rmtree(bench.root)


@pytest.mark.parametrize(
    "word", ["rename ledger/", "witness", "rename checkpoints/", "rename receipts/", "unlink"]
)
def test_power_cut_around_the_commit_loses_nothing(tmp_path: Path, steps: list[str], word: str) -> None:
    """The steps that matter most are all tried, also in a quick run."""
    for cut in [number for number, step in enumerate(steps) if word in step][: depth.many(2, 99)]:
        bench = Bench(tmp_path / str(cut))
        bench.stage(SIZES)
        run_until_cut(bench, cut)
        after_a_cut(bench)


@pytest.mark.invariant("I7")
def test_power_cut_during_the_recovery_from_a_power_cut_loses_nothing(
    tmp_path: Path, steps: list[str]
) -> None:
    stride = depth.many(67, 3)
    for cut in range(5, len(steps), stride):
        bench = Bench(tmp_path / str(cut))
        bench.stage(SIZES)
        run_until_cut(bench, cut)
        again = 1
        while run_until_cut(bench, again * 7):
            again += 1
            assert again < 100, "the recovery never ends"
        assert_acknowledged_is_kept(bench, bench.witness.memory.log.size)
        after_a_cut(bench)


def test_what_the_witness_signed_is_rolled_forward_when_not_every_drive_held_it(tmp_path: Path) -> None:
    """Five drives held it, the power went right after the witness persisted, then all six are there."""
    bench = Bench(tmp_path)
    bench.stage(SIZES)
    bench.supply.until = "witness persisted"
    with pytest.raises(PowerCut):
        bench.boot(only=[1, 2, 3, 4, 6]).seal()
    bench.supply.left = None
    assert bench.witness.memory.log.size == 2
    after_a_cut(bench)
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


@pytest.mark.invariant("I7")
@pytest.mark.planted
def test_the_harness_catches_recycling_before_the_commit(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: staging is given back before the ledger has the entry."""
    append = LedgerCopies.append

    def eager(self: LedgerCopies, *args: object, **named: object) -> bytes:
        for path in (tmp_path / "staging" / "packs").iterdir():
            path.unlink()
        return append(self, *args, **named)  # type: ignore[arg-type]

    before_entry = next(number for number, step in enumerate(steps) if "write ledger/" in step)
    bench = Bench(tmp_path)
    bench.stage(SIZES)
    monkeypatch.setattr(LedgerCopies, "append", eager)
    run_until_cut(bench, before_entry)
    with pytest.raises(AssertionError):
        after_a_cut(bench)


@pytest.mark.planted
def test_the_harness_catches_a_checkpoint_that_is_never_asked_for_again(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: the start does not adopt entries that a cut left unwitnessed."""
    monkeypatch.setattr(LedgerCopies, "_adoptable", lambda *_: ())
    monkeypatch.setattr("appliance.service.sealing.Sealing._seal_or_refuse", lambda *_: None)
    bench = Bench(tmp_path)
    bench.stage(SIZES)
    run_until_cut(bench, next(number for number, step in enumerate(steps) if "witness asked" in step))
    with pytest.raises(AssertionError):
        after_a_cut(bench)
