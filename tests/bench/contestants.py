"""The tools that do the same work: Iwato, restic and borg, each as its user would call it.

Peers run with encryption and the compression that they are usually run with: restic `auto`, borg
`zstd,1`. Their caches lie in the benchmark's folder. They keep one copy in a directory; Iwato scatters
over six drives, reads back and commits with a witness.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.timing import Order

PROJECT = Path(__file__).resolve().parents[2]
QUORUM = (2, 3, 5)  # the holders that restore; any three of five do


class Contestant(Protocol):
    """`place` is an empty folder of its own. Only the orders that it gives are timed."""

    name: str

    def prepare(self, source: Path) -> Sequence[Order]:
        """What makes an empty repository; not timed."""
        ...

    def backup(self, step: str) -> Order: ...

    def restore(self, target: Path) -> Order:
        """Into `target`, which exists and is empty."""
        ...

    def restored(self, target: Path) -> Path:
        """The folder below `target` that has to equal the source."""
        ...

    def verify(self) -> Order:
        """Read everything that is kept and check it."""
        ...

    def halves(self, out: str) -> tuple[float, float] | None:
        """Of a backup's output: seconds of intake and of sealing, where the tool has both."""
        ...


class Iwato:
    """The real command line on the emulated board."""

    name = "Iwato"

    def __init__(self, place: Path) -> None:
        self._home = place / "box"

    def _order(self, *words: str) -> Order:
        command = [sys.executable, "-m", "appliance", "--lang", "en", *words, "--home", str(self._home)]
        return Order(words=[*command, "--json"], cwd=PROJECT)

    def prepare(self, source: Path) -> Sequence[Order]:
        return [self._order("init", "--source", f"data={source}")]

    def backup(self, step: str) -> Order:
        return self._order("bench", "run-window")

    def restore(self, target: Path) -> Order:
        tokens = [word for n in QUORUM for word in ("--token", str(self._home / "tokens" / f"holder-{n}"))]
        return self._order("restore", "run", "--snapshot", "latest", "--target", str(target), *tokens)

    def restored(self, target: Path) -> Path:
        return target / "data"

    def verify(self) -> Order:
        return self._order("drive", "scrub")

    def halves(self, out: str) -> tuple[float, float] | None:
        document = json.loads(out)
        return float(document["link_s"]), float(document["drives_s"])


class Restic:
    """restic with its own defaults and a password file."""

    name = "restic"

    def __init__(self, place: Path) -> None:
        password = place / "password"
        password.write_text("bench\n")
        self._env = {
            "RESTIC_REPOSITORY": str(place / "repository"),
            "RESTIC_PASSWORD_FILE": str(password),
            "RESTIC_CACHE_DIR": str(place / "cache"),
        }
        self._place = place
        self._source = place

    def _order(self, *words: str) -> Order:
        return Order(words=["restic", "--quiet", *words], cwd=self._source, env=self._env)

    def prepare(self, source: Path) -> Sequence[Order]:
        self._source = source
        return [self._order("init")]

    def backup(self, step: str) -> Order:
        return self._order("backup", ".")

    def restore(self, target: Path) -> Order:
        return self._order("restore", "latest", "--target", str(target))

    def restored(self, target: Path) -> Path:
        return target

    def verify(self) -> Order:
        return self._order("check", "--read-data")

    def halves(self, out: str) -> tuple[float, float] | None:
        return None


class Borg:
    """borg with `repokey-blake2` and `zstd,1`."""

    name = "borg"

    def __init__(self, place: Path) -> None:
        self._env = {
            "BORG_REPO": str(place / "repository"),
            "BORG_PASSPHRASE": "bench",
            "BORG_BASE_DIR": str(place / "base"),
        }
        self._source = place

    def _order(self, *words: str, cwd: Path | None = None) -> Order:
        return Order(words=["borg", *words], cwd=cwd or self._source, env=self._env)

    def prepare(self, source: Path) -> Sequence[Order]:
        self._source = source
        return [self._order("init", "--encryption", "repokey-blake2")]

    def backup(self, step: str) -> Order:
        return self._order("create", "--compression", "zstd,1", f"::{step}", ".")

    def restore(self, target: Path) -> Order:
        return self._order("extract", "::unchanged", cwd=target)

    def restored(self, target: Path) -> Path:
        return target

    def verify(self) -> Order:
        return self._order("check", "--verify-data")

    def halves(self, out: str) -> tuple[float, float] | None:
        return None


ALL: Mapping[str, Callable[[Path], Contestant]] = {"Iwato": Iwato, "restic": Restic, "borg": Borg}
_VERSION_WORDS = {"restic": ["restic", "version"], "borg": ["borg", "--version"]}


def absent(name: str) -> bool:
    """Whether this tool cannot be run here."""
    return name != "Iwato" and shutil.which(name) is None


def version(name: str) -> str:
    """Name and version as the tool says them; "" where it is absent. Iwato's is the project's."""
    if absent(name):
        return ""
    if name == "Iwato":
        with (PROJECT / "pyproject.toml").open("rb") as file:
            return f"{name} {tomllib.load(file)['project']['version']}"
    done = subprocess.run(_VERSION_WORDS[name], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:2])
