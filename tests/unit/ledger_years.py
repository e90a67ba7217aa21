"""A controller's ledger of many days, a snapshot and a scrub on each, made by the product's own writers."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from appliance.domain.phases import Phase
from appliance.format import ledger_entry
from appliance.format.ledger_entry import DrivePart, PackPart, Scrub, Seal, SourcePart
from appliance.service.ledger_folder import CHECKPOINTS, LEDGER
from tests.unit.ledger_box import BEGAN_S, Box

DAY_S = 86_400
PACK_BYTES = 64 << 20
SOURCES = ("docs", "home", "mail")
DRIVES = tuple(range(6))


@dataclass
class Years:
    """Lies in `root` as the controller's state does. `packs` are new on each day: 1 GiB of them."""

    root: Path
    box: Box = field(default_factory=lambda: Box(1))
    packs: int = 16

    def live(self, days: int) -> None:
        for day in range(days):
            began = BEGAN_S + day * DAY_S
            for entry in (self._seal(day, began), self._scrub(began)):
                self.box.commit(ledger_entry.encode(entry))
            self.put()

    def put(self) -> None:
        """What the box wrote, to files. Not synced one by one: they are for one run."""
        drive = self.box.drives[0]
        for folder, files in ((LEDGER, drive.segments), (CHECKPOINTS, drive.checkpoints)):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                (self.root / folder / name).write_bytes(content)
            files.clear()

    def _seal(self, day: int, began: int) -> Seal:
        size = self.packs * PACK_BYTES
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began))
        parts = range(self.packs)
        return Seal(
            time=began + 3600,
            phase=Phase.SEAL,
            window=day + 1,
            snapshot=f"{stamp}-{day:08x}",
            complete=True,
            begin=began,
            sources=tuple(SourcePart(name=name, complete=True, files=68_000, bytes=size) for name in SOURCES),
            packs=tuple(PackPart(id=_id(day, n), size=PACK_BYTES, parity=_id(day, n, 1)) for n in parts),
            segments=tuple(_id(day, name) for name in SOURCES),
            recipient=_id(),
            policy=1,
            bytes_read=size,
            bytes_new=size,
            bytes_stored=size,
            unreadable=0,
            link_s=600,
            drives=DRIVES,
            degraded=False,
        )

    def _scrub(self, began: int) -> Scrub:
        seen = tuple(DrivePart(drive=drive, blocks=1000, bad=0, missing=0) for drive in DRIVES)
        return Scrub(time=began + 12 * 3600, phase=Phase.SCRUB, drives=seen, repaired=(), unrepaired=())


def _id(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
