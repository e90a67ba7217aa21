"""`ports.DemoWorld`: the demo's data, its bad day, and the comparison at the end.

Lives in a temporary directory outside every tree of the user's; the user's own tree is only read.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.adapters import demo_tree, tree_compare
from appliance.compose.home import Home
from appliance.errors import UsageError
from appliance.ports import Scene, Watcher

ROOM_FACTOR = 3  # the vault 1.5 times, staging once, the restored copy once, less what compresses
_SCENARIO = """# The demo's rootkit: planted shortly after the link came up.
[[event]]
in_phase = "INTAKE"
after_s = 0.2
do = "plant_rootkit"
"""
_DIFFERENCES_SHOWN = 20


class TemporaryWorld:
    """Makes and removes one temporary place per demo."""

    def __init__(self) -> None:
        self._pulled_ns = time.time_ns()  # Unix ns; the last pull came later

    def prepare(self, source: str | None) -> Scene:
        """See ports.DemoWorld."""
        tree = Path(source) if source else demo_tree.find_tree()
        if tree is None:
            raise UsageError(detail="no tree of 200 MB was found here; name one with --source DIR")
        size = demo_tree.measure(tree)
        place = Path(tempfile.mkdtemp(prefix="iwato-demo-"))
        free = shutil.disk_usage(place).free
        if free < size.content_bytes * ROOM_FACTOR:
            place.rmdir()
            needed = size.content_bytes * ROOM_FACTOR // 1_000_000
            raise UsageError(detail=f"the demo needs {needed} MB free in {place.parent}; set TMPDIR")
        work = place / "work"
        work.mkdir()
        copied = demo_tree.copy_slice(tree, work)
        return Scene(
            tree=str(tree),
            work=str(work),
            home=str(place / "home"),
            target=str(place / "restored"),
            tree_bytes=size.content_bytes,
            tree_files=size.files,
            work_bytes=copied.content_bytes,
        )

    def work_one_day(self, scene: Scene) -> Mapping[str, int]:
        """See ports.DemoWorld."""
        changed = demo_tree.change_some(Path(scene.work))
        self._pulled_ns = time.time_ns()
        return changed

    def rootkit_scenario(self, scene: Scene) -> str:
        """See ports.DemoWorld."""
        path = Path(scene.home).parent / "rootkit.toml"
        path.write_text(_SCENARIO, encoding="ascii")
        return str(path)

    def destroy(self, scene: Scene, bays: Sequence[int], holders: Sequence[int]) -> None:
        """See ports.DemoWorld."""
        home = Home(Path(scene.home))
        for bay in bays:
            shutil.rmtree(home.bay(bay))
        for holder in holders:
            shutil.rmtree(home.token(holder))

    def compare(
        self, scene: Scene, watcher: Watcher, left_out: Sequence[tuple[str, str]]
    ) -> Mapping[str, object]:
        """See ports.DemoWorld."""
        total = scene.tree_bytes + scene.work_bytes
        objects = done = 0
        differences: list[str] = []
        set_aside: list[str] = []
        said = dict(left_out)
        for name, tree in (("data", scene.tree), ("work", scene.work)):
            before = done

            def progress(count: int, before: int = before) -> None:
                watcher.event("progress", {"stage": "compare", "done": before + count, "total": total})

            found = tree_compare.compare(
                Path(tree),
                Path(scene.target, name),
                owners=os.geteuid() == 0,
                set_id=True,
                since_ns=self._pulled_ns,
                progress=progress,
            )
            objects, done = objects + found.objects, done + found.content_bytes
            set_aside += [f"{_text(name, path)}: {why}" for path, why in found.set_aside]
            for path, what in found.differences:
                where = _text(name, path)
                if where in said:
                    set_aside.append(f"{where}: {said[where]}")
                else:
                    differences.append(f"{where}: {what}")
        return {
            "objects": objects,
            "bytes": done,
            "differences": differences[:_DIFFERENCES_SHOWN],
            "set_aside": set_aside,
        }

    def clean_up(self, scene: Scene) -> None:
        """See ports.DemoWorld."""
        shutil.rmtree(Path(scene.home).parent, ignore_errors=True)


def _text(source: str, path: bytes) -> str:
    """A path as the restore's report writes it."""
    return f"{source}/{path.decode('utf-8', 'backslashreplace')}" if path else source
