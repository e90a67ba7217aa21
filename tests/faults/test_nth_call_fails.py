"""A system call fails: each kind, the N-th, in each way, once or from then on, in each command.

Afterwards the words are right, the box is ISOLATED, and without the fault it works on: two windows at most
until the next snapshot is complete, everything committed comes back byte-equal, scrub finds nothing that the
command did not own up to. The samples here are spread over kinds, disks and ways; `python -m tests.faults`
tries every one.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from appliance import errors
from tests.depth import many
from tests.faults import orders, sample, trial
from tests.faults.orders import Call, Order
from tests.faults.trial import Outcome, Worker
from tests.simulation.conftest import Vault

pytestmark = pytest.mark.needs("cc")

PARTS = many(1, 4)  # of each command's sample, so that they run side by side
COUNTS = {  # orders of each part
    "window": many(5, 14),
    "restore": many(2, 4),
    "repair": many(1, 5),
    "scrub": many(1, 4),
    "verify": many(1, 3),
}
Counted = Callable[[str], tuple[Call, ...]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with trial.worker() as started:
        yield started


@pytest.fixture(scope="module")
def counted(worker: Worker, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """The calls of a command when nothing fails."""

    @functools.cache
    def count(name: str) -> tuple[Call, ...]:
        outcome = trial.attempt(worker, vault, name, orders.NOTHING, tmp_path_factory.mktemp(name))
        assert outcome.ended.status in {errors.EXIT_OK, errors.EXIT_WARNINGS}, outcome.ended
        return outcome.calls

    return count


def at(calls: Iterable[Call], kind: str, where: str, way: int, lasting: int = orders.ONCE) -> Order:
    """The order for the first call of `kind` on a path that has `where` in it."""
    number = next(call.number for call in calls if call.kind == kind and where in call.path)
    return Order(kind=kind, number=number, way=way, lasting=lasting)


@pytest.mark.invariant("I6", "I7", "I9", "I15")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", COUNTS)
def test_whichever_call_fails_nothing_committed_is_lost_and_the_box_works_on(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path, name: str, part: int
) -> None:
    chosen = sample.spread(counted(name), PARTS * COUNTS[name], name)[part::PARTS]
    for order in chosen:
        place = tmp_path / "trial"
        place.mkdir()
        outcome = trial.judged(worker, vault, name, order, place)
        assert not outcome.wrong, f"python -m tests.faults {name} --only {order}"
        shutil.rmtree(place)


def test_every_kind_of_call_is_counted_and_sampled(counted: Counted) -> None:
    everything = [call for name in trial.COMMANDS for call in counted(name)]
    assert {call.kind for call in everything} == set(orders.WAYS)
    for name in trial.COMMANDS:
        kinds = {call.kind for call in counted(name)}
        assert {order.kind for order in sample.spread(counted(name), len(kinds), "any")} == kinds


def test_beyond_the_last_call_the_command_passes(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    last = max(call.number for call in counted("window") if call.kind == "sync")
    order = Order(kind="sync", number=2 * last, way=orders.BROKEN, lasting=orders.WORLD)
    outcome = trial.judged(worker, vault, "window", order, tmp_path)
    assert (outcome.happened, outcome.ended.status, outcome.wrong) == (False, errors.EXIT_OK, ())


# What these tests have found ------------------------------------------------------------------------


def test_a_source_whose_root_cannot_be_listed_is_missing_and_not_empty(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "list", str(vault.source), orders.BROKEN, orders.DISK)
    outcome = trial.judged(worker, vault, "window", order, tmp_path)
    assert not outcome.wrong
    assert outcome.ended.status == errors.EXIT_FAILED
    assert errors.SourceMissing.code in outcome.ended.codes


def test_the_interlocks_memory_is_whole_after_a_write_that_fell_short(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "write", "/emulated/fram-", orders.SHORT, orders.DISK)
    outcome = trial.judged(worker, vault, "window", order, tmp_path)
    assert (outcome.happened, outcome.ended.status, outcome.wrong) == (True, errors.EXIT_OK, ())


def test_a_memory_of_the_emulated_box_that_cannot_be_read_is_named(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "read", "/emulated/fram-", orders.BROKEN)
    outcome = trial.judged(worker, vault, "window", order, tmp_path)
    assert not outcome.wrong
    assert outcome.ended.code == errors.EmulationDamaged.code


# Planted bugs ---------------------------------------------------------------------------------------


def caught(
    worker: Worker, vault: Vault, order: Order, place: Path, bug: str
) -> Outcome:
    outcome = trial.judged(worker, vault, "window", order, place, bug)
    assert outcome.happened
    return outcome


@pytest.mark.planted
def test_an_fsync_error_that_is_ignored_is_caught(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "sync", ".tmp", orders.BROKEN)
    outcome = caught(worker, vault, order, tmp_path, "deaf")
    assert any(wrong.startswith("named after a fault") for wrong in outcome.wrong)


@pytest.mark.planted
@pytest.mark.invariant("I9")
def test_a_short_write_that_is_ignored_is_caught(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "write", "/shards/", orders.SHORT)
    assert caught(worker, vault, order, tmp_path, "hasty").wrong


@pytest.mark.planted
def test_a_disk_error_that_ends_the_program_is_caught(
    worker: Worker, vault: Vault, counted: Counted, tmp_path: Path
) -> None:
    order = at(counted("window"), "write", "/shards/", orders.BROKEN)
    assert "an internal error" in caught(worker, vault, order, tmp_path, "rude").wrong


@pytest.mark.planted
def test_a_program_that_tries_for_ever_is_caught(vault: Vault, counted: Counted, tmp_path: Path) -> None:
    order = at(counted("window"), "write", "/shards/", orders.BROKEN, orders.DISK)
    with trial.worker() as impatient:
        impatient.limit_s = 5
        assert "it hangs" in trial.judged(impatient, vault, "window", order, tmp_path, "stuck").wrong
