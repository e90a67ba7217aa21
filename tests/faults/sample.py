"""Some of very many orders: seeded, and spread over kinds of calls, disks and ways to fail."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.faults import orders
from tests.faults.orders import Call, Order

_PLACES = ("/bay/", "/staging", "/seal-state", "/intake-state", "/emulated", "/policy", "/tokens", "/out")


def spread(counted: Iterable[Call], count: int, seed: str) -> list[Order]:
    """`count` orders, or all where there are fewer: the kinds take turns, and so do, within a kind, places
    and ways. So no kind is left out as long as there are as many orders as kinds."""
    dice = random.Random(seed)
    by_kind: defaultdict[str, defaultdict[tuple[object, ...], list[Order]]]
    by_kind = defaultdict(lambda: defaultdict(list))
    for call in counted:
        place = next((place for place in _PLACES if place in call.path), "/source")
        for order in orders.every([call]):
            by_kind[call.kind][place, order.way, order.lasting].append(order)
    kinds = list(by_kind)
    dice.shuffle(kinds)
    turns = [_taking_turns(by_kind[kind], dice) for kind in kinds]
    found: list[Order] = []
    while turns and len(found) < count:
        turn = turns.pop(0)
        for order in turn:
            found.append(order)
            turns.append(turn)
            break
    return found


def _taking_turns(groups: dict[tuple[object, ...], list[Order]], dice: random.Random) -> Iterator[Order]:
    waiting = list(groups.values())
    for group in waiting:
        dice.shuffle(group)
    dice.shuffle(waiting)
    while waiting:
        group = waiting.pop(0)
        yield group.pop()
        if group:
            waiting.append(group)
