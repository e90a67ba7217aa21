"""`python -m tests.faults`: every call of every command fails in every way, until no call is left.

    python -m tests.faults                              all of it; days on one core
    python -m tests.faults window --kind write --kind sync
    python -m tests.faults window --only write:17+:EIO    one order again, with what the command said
    python -m tests.faults --some 500 --seed 3            a spread sample of each command

Says one line for each order that broke something and exits with 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults import orders, sample, trial
from tests.faults.orders import Call, Order
from tests.simulation.conftest import Vault, committed


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="*", help=", ".join(trial.COMMANDS))
    parser.add_argument("--kind", action="append", choices=list(orders.WAYS))
    parser.add_argument("--only", type=orders.typed)
    parser.add_argument("--some", type=int)
    parser.add_argument("--seed", default="0")
    wish = parser.parse_args()
    broken = 0
    with tempfile.TemporaryDirectory(prefix="iwato-faults-") as folder, trial.worker() as worker:
        vault = committed(Path(folder, "vault"))
        for name in wish.command or trial.COMMANDS:
            chosen = [wish.only] if wish.only else _chosen(_calls(worker, vault, name, folder), wish)
            print(f"{name}: {len(chosen)} orders", flush=True)
            broken += sum(_is_broken(worker, vault, name, order, folder, wish) for order in chosen)
    print(f"{broken} broke something")
    return 1 if broken else 0


def _calls(worker: trial.Worker, vault: Vault, name: str, folder: str) -> tuple[Call, ...]:
    place = Path(folder, "counting")
    place.mkdir()
    counted = trial.attempt(worker, vault, name, orders.NOTHING, place).calls
    shutil.rmtree(place)
    return counted


def _chosen(counted: tuple[Call, ...], wish: argparse.Namespace) -> list[Order]:
    wanted = [call for call in counted if not wish.kind or call.kind in wish.kind]
    return sample.spread(wanted, wish.some, wish.seed) if wish.some else orders.every(wanted)


def _is_broken(
    worker: trial.Worker, vault: Vault, name: str, order: Order, folder: str, wish: argparse.Namespace
) -> bool:
    place = Path(folder, "trial")
    place.mkdir()
    outcome = trial.judged(worker, vault, name, order, place)
    if outcome.wrong or wish.only:
        at = next((call.path for call in outcome.calls if call.end != "ok"), "(it never came)")
        at = at.replace(str(place), "").encode(errors="backslashreplace").decode()
        print(f"{name} {order} {at}: exit {outcome.ended.status}, {'; '.join(outcome.wrong)}", flush=True)
    if wish.only:
        print(outcome.ended.out, outcome.ended.err, sep="\n")
    shutil.rmtree(place)
    return bool(outcome.wrong)


if __name__ == "__main__":
    sys.exit(main())
