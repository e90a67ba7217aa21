"""Two threads that work on packs, each with its own stripe buffer.

Two: one waits for a disk while the other computes; more only made the disks seek (30-vault). Results
come in the order of the items. `stop` is asked before each item is begun; what was begun is finished.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from appliance.domain.geometry import Geometry
from appliance.service.stripe_buffer import StripeBuffer

WORKERS = 2  # threads; see above

Item = TypeVar("Item")
Result = TypeVar("Result")


def never() -> bool:
    """For work that no dwell ends."""
    return False


def run(
    geometry: Geometry,
    items: Iterable[Item],
    work: Callable[[Item, StripeBuffer], Result],
    stop: Callable[[], bool] = never,
) -> Iterator[tuple[Item, Result]]:
    """(item, result) for every item that was begun. The first exception of a worker is raised here,
    after the other worker has ended."""
    buffers: SimpleQueue[StripeBuffer] = SimpleQueue()
    for _ in range(WORKERS):
        buffers.put(StripeBuffer(geometry))

    def with_buffer(item: Item) -> Result:
        buffer = buffers.get()
        try:
            return work(item, buffer)
        finally:
            buffers.put(buffer)

    under_way: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="stripes") as pool:
        try:
            for item in items:
                if len(under_way) >= WORKERS:
                    yield _ended(under_way)
                if stop():
                    break
                under_way.append((item, pool.submit(with_buffer, item)))
            while under_way:
                yield _ended(under_way)
        finally:
            for _, future in under_way:
                future.cancel()


def _ended(under_way: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Result]:
    item, future = under_way.popleft()
    return item, future.result()
