"""No plaintext, file name or secret reaches a medium, at any durable step of a window (I11).

Everything below the home except the tokens is read as raw bytes. The controller's own operational keys
and the configured source roots are in the key table and expected (05-settled 14).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.token_file import passphrase_beside
from appliance.compose.home import Home
from appliance.pipeline import compress
from tests.depth import many
from tests.simulation.conftest import SENTINEL, Vault
from tests.simulation.virtual_box import Cut, Nobody, VirtualBox

NAMES = (b"SENTINEL-name", b"second-name", b"dangling", b"plain.txt", b"an island")
EVERY = many(6, 1)  # durable steps between two scans of a window


def secrets(vault: Vault) -> dict[str, bytes]:
    """What must not be found anywhere."""
    found = {f"name {name.decode()}": name for name in NAMES}
    found["plaintext"] = SENTINEL[:44]
    found["compressible plaintext"] = b"\x07" * 600
    found["vault key"] = vault.identity.secret_seed()
    found["vault key as text"] = vault.identity.secret_text().encode()
    for holder in range(1, 6):
        words = passphrase_beside(str(vault.box.home.token(holder)))
        assert words is not None
        found[f"passphrase {holder}"] = words.encode()
    return found


def media(home: Home) -> Iterator[Path]:
    """Every file below the home but the tokens'."""
    for path in home.root.rglob("*"):
        if path.is_file() and home.tokens not in path.parents:
            yield path


def leaks(home: Home, wanted: dict[str, bytes]) -> list[str]:
    """Where which secret lies open."""
    found = []
    for path in media(home):
        content = path.read_bytes()
        found += [
            f"{what} in {path.relative_to(home.root)}" for what, raw in wanted.items() if raw in content
        ]
    return found


class Watching(Cut):
    """Scans the media every few durable steps instead of cutting the power."""

    def __init__(self, home: Home, wanted: dict[str, bytes]) -> None:
        super().__init__()
        self._home, self._wanted = home, wanted
        self.found: list[str] = []

    def __call__(self, label: str) -> None:
        super().__call__(label)
        if len(self.labels) % EVERY == 0:
            self.found += leaks(self._home, self._wanted)


def watched_window(vault: Vault, root: Path) -> list[str]:
    box = vault.box.copy(root)
    watching = Watching(box.home, secrets(vault))
    assert box.run_window(watching)["complete"]
    return watching.found + leaks(box.home, secrets(vault))


@pytest.mark.invariant("I11")
def test_no_secret_is_on_any_medium_at_any_step_of_a_window(vault: Vault, tmp_path: Path) -> None:
    assert not watched_window(vault, tmp_path / "home")


@pytest.mark.invariant("I11")
def test_no_secret_is_on_any_medium_after_a_scrub_and_a_verification(vault: Vault, tmp_path: Path) -> None:
    box = vault.box.copy(tmp_path / "home")
    box.appliance().scrub(Nobody())
    box.appliance().verify_ledger(None, Nobody())
    assert not leaks(box.home, secrets(vault))


@pytest.mark.planted
@pytest.mark.invariant("I11")
def test_a_box_that_leaves_its_plaintext_in_staging_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packing = compress.Compressor.compress
    place = tmp_path / "home" / "staging" / "cache"

    def careless(self: compress.Compressor, raw: bytes) -> object:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("ab") as file:
            file.write(raw)
        return packing(self, raw)

    (vault.source / "again.txt").write_bytes(SENTINEL + b"today")
    try:
        monkeypatch.setattr(compress.Compressor, "compress", careless)
        assert watched_window(vault, tmp_path / "home")
    finally:
        (vault.source / "again.txt").unlink()


@pytest.mark.planted
def test_a_scan_that_would_miss_a_file_name_is_caught(vault: Vault, tmp_path: Path) -> None:
    box: VirtualBox = vault.box.copy(tmp_path / "home")
    (box.home.seal_state / "notes").write_bytes(b"..." + NAMES[0])
    assert leaks(box.home, secrets(vault)) == [f"name {NAMES[0].decode()} in seal-state/notes"]
