"""The race: every tool does every step on every set, in an order drawn anew each time.

One step is done by all tools before the next begins, so that all work on the same source. What a tool
restored is compared with the source outside the timed part; a tool that fails is out for this repetition,
and its remaining steps are failures too, never times.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import same_tree, timing
from tests.bench.contestants import Contestant
from tests.bench.data_set import CannotBuild, DataSet
from tests.bench.figures import BACKUPS, STEPS, Sample

ROOM_FACTOR = 6  # times the set: Iwato's staging and 6/4 shards, two peers, one restored copy, and a reserve


class NoRoom(Exception):
    """There is too little free space to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`tools` in any order; `steps` a part of STEPS, in their order; `say` gets a line for each run."""

    tools: Mapping[str, Callable[[Path], Contestant]]
    repetitions: int
    seed: int
    steps: Sequence[str] = STEPS
    say: Callable[[str], None] = print


def check_room(place: Path, sets: Sequence[DataSet]) -> None:
    """NoRoom unless the largest set and everything that is made of it fits."""
    needed = ROOM_FACTOR * max(data.bytes_about for data in sets)
    facts = os.statvfs(place)
    free = facts.f_bavail * facts.f_frsize
    if free < needed:
        raise NoRoom(
            f"the benchmark needs about {needed / 2**30:.1f} GiB in {place}, of which {free / 2**30:.1f} GiB "
            "are free: name another place with TMPDIR=..., or a smaller --scale"
        )


def run(sets: Sequence[DataSet], rules: Rules, work: Path) -> Iterator[Sample]:
    """Every sample as it is measured. Leaves `work` empty, also when it is ended early."""
    order = random.Random(rules.seed)
    for data in sets:
        source = work / f"source-{data.name}"
        with _folder(source):
            rules.say(f"building: {data.title}")
            try:
                data.build(source)
            except CannotBuild as reason:
                yield from _none(data, rules, str(reason))
                continue
            for number in range(rules.repetitions):
                repositories = work / "repositories"
                with _folder(repositories):
                    heat = _Heat(data, rules, source, repositories, order)
                    yield from heat.run(number)


@contextmanager
def _folder(place: Path) -> Iterator[None]:
    place.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(place)


def _none(data: DataSet, rules: Rules, reason: str) -> Iterator[Sample]:
    for step in rules.steps:
        for tool in rules.tools:
            yield Sample(data=data.name, step=step, tool=tool, failure=f"not measured: {reason}")


class _Heat:
    """One repetition on one set, with fresh repositories."""

    def __init__(
        self, data: DataSet, rules: Rules, source: Path, place: Path, order: random.Random
    ) -> None:
        self._data = data
        self._rules = rules
        self._source = source
        self._place = place
        self._order = order
        self._out: dict[str, str] = {}  # tool → why it is out
        self._tools: dict[str, Contestant] = {}

    def run(self, number: int) -> Iterator[Sample]:
        for name, make in self._rules.tools.items():
            (self._place / name).mkdir()
            self._tools[name] = make(self._place / name)
            self._attempt(name, lambda tool: [self._timed(o) for o in tool.prepare(self._source)])
        for step in self._rules.steps:
            if step == "changed":
                self._data.change(self._source, self._rules.seed * 1000 + number)
            names = list(self._tools)
            self._order.shuffle(names)
            for name in names:
                sample = self._sample(name, step)
                self._rules.say(said(sample, number + 1, self._rules.repetitions))
                yield sample

    def _attempt(self, name: str, act: Callable[[Contestant], object]) -> None:
        try:
            act(self._tools[name])
        except timing.Failed as failed:
            self._out[name] = str(failed)

    def _timed(self, order: timing.Order) -> timing.Usage:
        os.sync()  # whoever flushes what it writes must not wait for what the others left in the cache
        return timing.run(order, self._place / "log")

    def _sample(self, name: str, step: str) -> Sample:
        made: list[Sample] = []
        if name not in self._out:
            self._attempt(name, lambda tool: made.append(self._measure(tool, step)))
        if name in self._out:
            return Sample(data=self._data.name, step=step, tool=name, failure=self._out[name])
        return made[0]

    def _measure(self, tool: Contestant, step: str) -> Sample:
        """One timed run. timing.Failed also where what came back is not what was given."""
        halves = None
        if step in BACKUPS:
            usage = self._timed(tool.backup(step))
            halves = tool.halves(usage.out)
        elif step == "restore":
            usage = self._restore(tool)
        else:
            usage = self._timed(tool.verify())
        return Sample(
            data=self._data.name,
            step=step,
            tool=tool.name,
            wall_s=usage.wall_s,
            cpu_s=usage.cpu_s,
            rss_mib=usage.rss_mib,
            link_s=halves[0] if halves else None,
            drives_s=halves[1] if halves else None,
        )

    def _restore(self, tool: Contestant) -> timing.Usage:
        target = self._place / "restored"
        with _folder(target):
            usage = self._timed(tool.restore(target))
            wrong = same_tree.differences(self._source, tool.restored(target))
        if wrong:
            raise timing.Failed(f"restored wrongly: {wrong[0]}")
        return usage


def said(sample: Sample, number: int, of: int) -> str:
    """A sample in one line of progress."""
    name = f"{sample.data:15}{sample.step:10}{sample.tool:7}{number}/{of}"
    if sample.failure:
        return f"{name}  {sample.failure}"
    return f"{name}  {sample.wall_s:8.2f} s  CPU {sample.cpu_s:7.2f} s  {sample.rss_mib:6.0f} MiB"
