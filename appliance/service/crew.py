"""The workers of an intake: jobs of read chunks go in, filled packs come out.

With `threads=0` every job is done at once by the caller, in order: the same path without threads, for
simulation. Owns threads and buffers; knows no source and no manifest.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from appliance.pipeline import dedup, flow

BUFFERS_BEYOND_WORKERS = 2  # one that is being read into, one that waits: 30-vault measured five for three


@dataclass(slots=True, eq=False)
class Piece:
    """A chunk in a read buffer. `where` is known once a worker took it."""

    start: int
    end: int
    where: dedup.Where | None = None


@dataclass(slots=True, eq=False)
class Job:
    """What a worker does with one buffer, which goes back to the pool when that is done: pieces to be
    stored unless they are already, or one block of new chunks that fill the first `fill` bytes."""

    buffer: memoryview
    pieces: Sequence[Piece] = ()
    block: list[flow.NewChunk] = field(default_factory=list)
    fill: int = 0


class Crew:
    """`lanes` makes the lane of one worker; it is called in this thread. `buffers` go round between the
    reader and the workers, so memory is bounded by them."""

    def __init__(
        self,
        make_lane: Callable[[int, Callable[[flow.FilledPack], None]], flow.Lane],
        make_buffer: Callable[[], memoryview],
        *,
        threads: int,
    ) -> None:
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._filled: queue.SimpleQueue[flow.FilledPack] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._failed = threading.Event()
        self._lanes = [make_lane(number, self._filled.put) for number in range(max(1, threads))]
        for _ in range(threads + BUFFERS_BEYOND_WORKERS):
            self._free.put(make_buffer())
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"intake-{number}", daemon=True)
            for number, lane in enumerate(self._lanes[:threads])
        ]
        for thread in self._threads:
            thread.start()

    def buffer(self) -> memoryview:
        """A free read buffer; waits for one. Raises what a worker failed with."""
        self._raise_failure()
        return self._free.get()

    def give_back(self, buffer: memoryview) -> None:
        """A buffer that no job was made of."""
        self._free.put(buffer)

    def submit(self, job: Job) -> None:
        """Have the job done. Raises what a worker failed with."""
        self._raise_failure()
        if self._threads:
            self._jobs.put(job)
        else:
            self._do(self._lanes[0], job)

    @property
    def has_filled(self) -> bool:
        """Whether packs were closed since the last `filled`, or a worker failed."""
        return self._failure is not None or not self._filled.empty()

    def filled(self) -> Iterator[flow.FilledPack]:
        """The packs that were closed since the last call."""
        self._raise_failure()
        while not self._filled.empty():  # only this thread takes from it
            yield self._filled.get_nowait()

    def finish(self) -> None:
        """Do all jobs, close all packs, end all threads. Raises what a worker failed with."""
        self._stop()
        if not self._threads:
            self._lanes[0].flush()
        self._raise_failure()

    def disband(self) -> None:
        """End all threads without closing packs: the intake has failed."""
        self._failed.set()
        self._stop()

    def _stop(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, lane: flow.Lane) -> None:
        """One thread. After a failure, its own or another's, it only gives buffers back, so that the
        reader never waits for one in vain."""
        while (job := self._jobs.get()) is not None:
            self._guarded(lane, job)
        self._guarded(lane, None)

    def _guarded(self, lane: flow.Lane, job: Job | None) -> None:
        """One job, or the closing of the lane's pack."""
        try:
            if job is not None:
                self._do(lane, job)
            elif not self._failed.is_set():
                lane.flush()
        except BaseException as failure:  # noqa: BLE001 - it is raised again in the intake's own thread
            if self._failure is None:
                self._failure = failure
            self._failed.set()

    def _do(self, lane: flow.Lane, job: Job) -> None:
        try:
            for piece in job.pieces:
                if self._failed.is_set():
                    return
                piece.where = lane.take(job.buffer[piece.start : piece.end])
            if job.block and not self._failed.is_set():
                lane.take_block(job.buffer[: job.fill], job.block)
        finally:
            self._free.put(job.buffer)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
