"""`iwato init`: make an emulated appliance in an empty directory."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.face import Face, command
from appliance.errors import EXIT_OK, UsageError
from appliance.ports import Birth
from appliance.words import N_

LINK_RATE_MAX = 10**12  # bytes per second; no network is faster, and the job carries 64 bits


def sources_of(pairs: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """`NAME=PATH` pairs with absolute paths. UsageError for anything else."""
    found: list[tuple[str, str]] = []
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise UsageError(detail=f"--source {pair}: it has the form NAME=PATH")
        found.append((name, str(Path(path).expanduser().absolute())))
    if len({name for name, _ in found}) < len(found):
        raise UsageError(detail="two sources have the same name")
    return tuple(found)


@click.command("init", help=N_("Make an emulated appliance with drives, tokens, a signed policy."))
@click.option("--drives", type=int, default=6, show_default=True, help=N_("drives in the set (n)"))
@click.option("--data-shards", type=int, default=4, show_default=True, help=N_("drives that suffice (k)"))
@click.option("--holders", type=int, default=5, show_default=True, help=N_("persons with a token"))
@click.option("--quorum", type=int, default=3, show_default=True, help=N_("persons that suffice"))
@click.option("--window", default="03:00-05:00 daily", show_default=True, metavar="HH:MM-HH:MM daily")
@click.option(
    "--source", "pairs", multiple=True, metavar="NAME=PATH", help=N_("a tree to pull; may be repeated")
)
@click.option(
    "--link-rate", type=int, default=0, metavar="BYTES_PER_S", help=N_("throttle the emulated source")
)
@command
def init(
    face: Face,
    *,
    drives: int,
    data_shards: int,
    holders: int,
    quorum: int,
    window: str,
    pairs: tuple[str, ...],
    link_rate: int,
) -> int:
    """Make an emulated appliance with drives, tokens, a signed policy."""
    if not pairs:
        raise UsageError(detail="name at least one --source NAME=PATH")
    if not 0 <= link_rate <= LINK_RATE_MAX:
        raise UsageError(detail=f"--link-rate is in bytes per second, from 0 to {LINK_RATE_MAX}")
    birth = Birth(
        drives=drives,
        data_shards=data_shards,
        holders=holders,
        quorum=quorum,
        window=window,
        sources=sources_of(pairs),
        link_rate=link_rate,
    )
    with face.screen() as screen:
        document = face.appliance.create(birth, screen)
    margin = N_("{needed} needed, {exist} exist, {proven} proven")
    face.put(
        document,
        [
            face.text(N_("The appliance in {home} is born: vault {vault}."), **document),
            face.text(margin, needed=quorum, exist=holders, proven=document["proven"]),
            face.text(N_("Next: `iwato bench run-window --home {home}` runs the first window."), **document),
        ],
    )
    return EXIT_OK
