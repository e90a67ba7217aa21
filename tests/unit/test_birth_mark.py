"""The mark of an unfinished birth: it goes after everything that it speaks of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.compose import birth_plan
from appliance.compose.home import Home
from appliance.errors import BirthInterrupted


@pytest.fixture
def unborn(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create(drives=2)
    home.unborn.touch()
    for place in (home.policy, home.bay(1)):
        (place / "file").write_text("content", encoding="ascii")
    return home


def test_everything_is_durable_before_the_mark_goes_and_its_going_too(
    unborn: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[bool, list[Path]] = {True: [], False: []}

    def sync(path: Path) -> None:
        synced[unborn.unborn.exists()].append(path)

    monkeypatch.setattr(birth_plan, "_sync", sync)
    made = {path for path in unborn.root.rglob("*") if path != unborn.unborn}
    birth_plan.finish(unborn)
    assert made <= set(synced[True])
    assert synced[False] == [unborn.root]
    unborn.require_born()


def test_a_removal_that_is_cut_short_leaves_the_mark(unborn: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    left = sum(item.is_dir() for item in unborn.root.iterdir())

    def cut(_: Path) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", cut)
        with pytest.raises(KeyboardInterrupt):
            birth_plan.discard(unborn)
    with pytest.raises(BirthInterrupted):
        unborn.require_vacant()
    birth_plan.discard(unborn)
    unborn.require_vacant()
