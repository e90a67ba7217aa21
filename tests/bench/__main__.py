"""`python -m tests.bench`: build the sets, race the tools, write table.md, chart.svg and samples.json.

    make bench                          the full size, three repetitions, table into README.md
    make bench BENCH="--scale 0.25"     a quarter of it; also IWATO_BENCH_SCALE=0.25
    python -m tests.bench --small --out FOLDER     a trial in two minutes

Everything is made below TMPDIR and removed at the end, also after Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import chart, contestants, machine, race, table, timing
from tests.bench.data_set import DataSet, data_sets
from tests.bench.figures import STEPS, Figures, Sample

SMALL = 0.004  # of the full size: 4 MiB, 8 MiB, 200 files
EXIT_FAILED, EXIT_NO_ROOM, EXIT_INTERRUPTED = 1, 2, 130
LAST = Path(__file__).resolve().parent / "last"


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    default = float(os.environ.get("IWATO_BENCH_SCALE", "1"))
    known = [data.name for data in data_sets(1)]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", allow_abbrev=False)
    parser.add_argument("--scale", type=float, default=default, help="1 is 1 GiB, 1.5 GiB, 50,000 files")
    parser.add_argument("--small", action="store_true", help="tiny sets, one repetition")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=None, help="of the order and of the changes; printed")
    parser.add_argument("--sets", default=",".join(known), help=f"of {', '.join(known)}")
    parser.add_argument("--steps", default=",".join(STEPS), help=f"of {', '.join(STEPS)}, in this order")
    parser.add_argument("--tools", default=",".join(contestants.ALL), help="absent ones are named so")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the table")
    parser.add_argument("--out", type=Path, default=None, help="folder of what was measured")
    parser.add_argument("--page", type=Path, default=None, help="page whose marked part becomes the table")
    given = parser.parse_args(words)
    if given.small:
        given.scale, given.repetitions = SMALL, 1
    given.sets, given.steps, given.tools = (v.split(",") for v in (given.sets, given.steps, given.tools))
    unknown = {*given.sets} - {*known} | {*given.steps} - {*STEPS} | {*given.tools} - {*contestants.ALL}
    if unknown or given.scale <= 0 or given.repetitions < 1:
        odd = f"not known: {', '.join(sorted(unknown))}"
        parser.error(odd if unknown else "scale and repetitions are above 0")
    if given.page is None and given.out is None:
        parser.error("--out FOLDER, or --page PAGE")
    given.out = given.out if given.out is not None else LAST
    if given.page is not None:
        _check_page(parser, given.page)
    return given


def _check_page(parser: argparse.ArgumentParser, page: Path) -> None:
    """Better now than after the run."""
    try:
        table.replaced(page.read_text(), "")
    except (OSError, ValueError) as odd:
        parser.error(f"{page}: {odd}")


def _rules(given: argparse.Namespace) -> race.Rules:
    present = {name: make for name, make in contestants.ALL.items() if name in given.tools}
    for name in [name for name in present if contestants.absent(name)]:
        print(f"{name} is absent: not measured")
        del present[name]
    return race.Rules(
        tools=present,
        repetitions=given.repetitions,
        seed=given.seed if given.seed is not None else time.time_ns() % 1_000_000,
        steps=[step for step in STEPS if step in given.steps],
        say=lambda line: print(line, flush=True),
    )


def _circumstances(
    given: argparse.Namespace, rules: race.Rules, sets: Sequence[DataSet], work: Path
) -> table.Circumstances:
    lacking = [f"{name} not measured" for name in contestants.ALL if name not in rules.tools]
    return table.Circumstances(
        machine=machine.described(work),
        versions=[*(contestants.version(name) for name in rules.tools), *lacking],
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        seed=rules.seed,
        repetitions=rules.repetitions,
        sets=[(data.name, data.title) for data in sets],
        notes=given.note,
    )


def _publish(given: argparse.Namespace, samples: Sequence[Sample], facts: table.Circumstances) -> None:
    figures = Figures(samples)
    section = table.markdown(figures, facts)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "table.md").write_text(section)
    caption = f"{facts.date}, medians of {facts.repetitions}"
    (given.out / "chart.svg").write_text(chart.svg(figures, facts.sets, caption))
    rows = [dataclasses.asdict(sample) for sample in samples]
    (given.out / "samples.json").write_text(
        json.dumps({"facts": dataclasses.asdict(facts), "samples": rows}, indent=1) + "\n"
    )
    if given.page is not None:
        given.page.write_text(table.replaced(given.page.read_text(), section))
    print(f"\n{section}\nwritten to {given.out}")


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupted(_number: int, _frame: object) -> None:
    """The first signal ends the run; further ones do not disturb the tidying."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(words: Sequence[str]) -> int:
    """0; 1 where a tool failed; 2 without room or for a wrong argument; 130 interrupted."""
    given = _arguments(words)
    rules = _rules(given)
    sets = [data for data in data_sets(given.scale) if data.name in given.sets]
    print(f"seed {rules.seed}, {rules.repetitions} repetitions, {', '.join(rules.tools)}")
    try:
        with tempfile.TemporaryDirectory(prefix="iwato-bench-") as name:
            work = Path(name).resolve()
            race.check_room(work, sets)
            facts = _circumstances(given, rules, sets, work)
            samples = list(race.run(sets, rules, work))
            bound = f"RSS of {timing.own_rss_mib():.0f} MiB or less is an upper bound (the benchmark's own)."
            facts = dataclasses.replace(facts, notes=[*facts.notes, bound])
    except race.NoRoom as reason:
        print(reason, file=sys.stderr)
        return EXIT_NO_ROOM
    except KeyboardInterrupt:
        print("interrupted; what was made for it is removed, nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    _publish(given, samples, facts)
    return EXIT_FAILED if any(sample.failure for sample in samples) else 0


if __name__ == "__main__":
    for each in SIGNALS:
        signal.signal(each, _interrupted)
    sys.exit(main(sys.argv[1:]))
