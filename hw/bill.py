"""BOM.md: the list of parts with the reasons, from a board profile. Text only."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hw.wired import Part, Wired


def page(wired: Wired) -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_table(wired), *_reasons(wired), _RISKS])


def _table(wired: Wired) -> Iterator[str]:
    yield "| ref | pieces | what | part |"
    yield "| --- | --- | --- | --- |"
    yield f"| | 1 | controller | {wired.controller} |"
    for part in wired.parts:
        yield f"| {_span(part)} | {len(part.refs)} | {part.what} | {part.part} |"
    yield ""


def _span(part: Part) -> str:
    return ", ".join(part.refs) if len(part.refs) < 3 else f"{part.refs[0]} to {part.refs[-1]}"  # noqa: PLR2004


def _reasons(wired: Wired) -> Iterator[str]:
    yield "## Why each of them\n"
    yield _wrapped(f"**Controller.** {wired.reason}") + "\n"
    for part in wired.parts:
        confirm = f" *To be confirmed on the bench:* {part.confirm}." if part.confirm else ""
        yield _wrapped(f"**{_span(part)}.** {part.why} Source: {part.source}.{confirm}") + "\n"
    for make in wired.relays:
        confirm = f" *To be confirmed on the bench:* {make.confirm}." if make.confirm else ""
        serves = ", ".join(make.serves)
        words = f"**{make.maker} {make.part}** ({serves}). {make.contacts}. Source: {make.source}.{confirm}"
        yield _wrapped(words) + "\n"


def _wrapped(words: str) -> str:
    return textwrap.fill(words, width=120, break_long_words=False, break_on_hyphens=False)


_HEAD = """# Parts, and why

Made by `python -m hw.wiring` from `carrier.toml` and `boards/cm4.toml`; edit those, never this page. The
wiring is in [WIRING.md](WIRING.md). No such box has been built, and no rating, SIL or PL is claimed: a
forcibly guided relay makes a weld visible, it does not make a circuit safe.
"""

_RISKS = """## What these parts do not do

- **A bridge beyond the sense point.** Whoever opens the case and joins 24 V to the converter behind K2 has
  a network that no sense shows; only the lamp L1 is lit, because it hangs on the same wire. The same holds
  for a wire around a bay's relay and its sense. Against it: the seal, and the proof of the bench again after
  every opening (COMMISSIONING).
- **A changed or malicious interlock.** The RP2040 has no secure boot, and its flash and the memory beside it
  can be read with a clip. Who has opened the case has the pairing key and the witness key. Checkpoints that
  were seen outside expose a second history; nothing exposes another program.
- **USB and SWD of the interlock** are not wired to any socket, but the pads are there.
- **Both makes of link relay at once.** Two welded contacts are one too many: a weld is found at the next
  contact test, before the next connection, not while the link is up. Until the test, K2 alone cuts.
- **The time between a relay's contacts.** When K3 leaves the link, the link contacts take their release time
  to open; a bay's relay takes its operate time to close, which is longer by the data sheets, not by a test.
- **Heat, damp, vibration, EMC.** Nothing here was tested for any of them.
- **The supplies.** PS1 that fails high can destroy everything behind it at once, the drives included.
- **Energy over the network socket.** A converter that can be fed through its socket would live without its
  supply; the part is chosen without, and the bench shows it.
- **The controller's own storage.** The boot loader's EEPROM is writable by root where its write protection is
  not wired; the carrier ties it, the bench boards do not.
- **k holders together** are the owner. No part stops them.
"""
