"""Whatever bytes a parser is given, it gives a value or refuses it by name, at a cost in bounds.

A failure names the target and the number of the input; `replay(target, number)` makes it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from appliance.errors import LedgerMalformed
from appliance.format import receipt
from tests.depth import many
from tests.fuzz import corpus, meter, mutator
from tests.fuzz.target import Parser, Target
from tests.fuzz.targets import TARGETS

COUNT = many(40, 1500)  # damaged inputs of every target
BY_NAME = {target.name: target for target in TARGETS}
ALL = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def inputs(target: Target, count: int) -> Iterator[bytes]:
    """Damaged seeds; every other one with the checksum in front made good again, where there is one."""
    for number, data in enumerate(mutator.mutations(corpus.seeds(target.name), count, target.name)):
        if target.mend is not None and number % 2:
            target.mend(data)
        yield bytes(data)


def replay(name: str, number: int) -> bytes:
    """The input that a failure speaks of."""
    return next(itertools.islice(inputs(BY_NAME[name], number + 1), number, None))


def judge(target: Target, data: bytes) -> bool:
    """Whether the parser takes `data`. Fails for any error but a refusal, and for a second spelling."""
    try:
        value = target.parse(data)
    except target.refuses:
        return False
    if target.again is not None:
        assert target.again(value) == data, "a value with two spellings"
    return True


@ALL
def test_every_stored_seed_is_taken(target: Target) -> None:
    stored = corpus.seeds(target.name)
    assert stored
    assert all(judge(target, data) for data in stored)


@ALL
@pytest.mark.clause("FORMAT 1.4", "FORMAT 1.5")
def test_damaged_bytes_give_a_value_or_a_refusal_by_name_at_a_bounded_cost(target: Target) -> None:
    with meter.metered() as measure:
        for number, data in enumerate(inputs(target, COUNT)):
            try:
                cost = measure(partial(judge, target, data))
            except Exception as error:
                error.add_note(f"replay({target.name!r}, {number})")
                raise
            assert cost.within(len(data)), f"replay({target.name!r}, {number}): {cost}"


@ALL
def test_the_damage_is_damage(target: Target) -> None:
    """Liveness of the mutator: inputs differ from one another and from the seeds."""
    assert len({*inputs(target, COUNT)} - {*corpus.seeds(target.name)}) > COUNT // 4


def test_every_target_has_a_folder_of_seeds_and_every_folder_a_target() -> None:
    assert {path.name for path in corpus.FOLDER.iterdir()} == set(BY_NAME)
    assert len(BY_NAME) == len(TARGETS)


def test_the_same_key_gives_the_same_damage() -> None:
    assert replay("batch", 17) == replay("batch", 17)
    assert list(inputs(BY_NAME["note"], 9)) == list(inputs(BY_NAME["note"], 9))


# Negative controls -------------------------------------------------------------------------------------


def broken(parse: Parser, name: str = "receipt") -> Target:
    good = BY_NAME[name]
    return Target(name=name, parse=parse, covers=(), refuses=good.refuses, again=good.again)


@pytest.mark.planted
def test_a_parser_that_trusts_a_length_is_caught() -> None:
    def trusting(data: bytes) -> receipt.Receipt:
        if not data.startswith(receipt.MAGIC):
            raise LedgerMalformed(detail="not a receipt")
        start = len(receipt.MAGIC)
        length = int.from_bytes(data[start : start + 4], "big")
        entry = bytes(data[start + 8 + at] for at in range(length))
        return receipt.Receipt(entry=entry, proof=data[start + 8 + length :])

    with pytest.raises((IndexError, AssertionError)):
        test_damaged_bytes_give_a_value_or_a_refusal_by_name_at_a_bounded_cost(broken(trusting))


@pytest.mark.planted
def test_a_parser_that_takes_bytes_left_over_is_caught() -> None:
    def lax(data: bytes) -> receipt.Receipt:
        for end in range(len(data), 0, -1):
            try:
                return receipt.decode(data[:end])
            except LedgerMalformed:
                continue
        raise LedgerMalformed(detail="not a receipt")

    with pytest.raises(AssertionError, match="two spellings"):
        test_damaged_bytes_give_a_value_or_a_refusal_by_name_at_a_bounded_cost(broken(lax))


@pytest.mark.planted
@pytest.mark.parametrize(
    "work", [lambda: bytes(64 << 20), lambda: [len(b"") for _ in range(10**5)]], ids=["memory", "time"]
)
def test_a_parser_that_allocates_or_loops_what_it_was_told_is_caught(work: Callable[[], object]) -> None:
    def greedy(data: bytes) -> None:
        work()
        raise LedgerMalformed(detail="not a receipt")

    with pytest.raises(AssertionError, match=r"calls=.*peak="):
        test_damaged_bytes_give_a_value_or_a_refusal_by_name_at_a_bounded_cost(broken(greedy))
