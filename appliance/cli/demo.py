"""`iwato demo`: the whole main job on the emulated board, with real data, in seven acts.

Succeeds only if every act really did what it shows; each act checks its own claim and the first that
does not hold ends the demo with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from appliance.cli import demo_table, sentence
from appliance.cli.demo_show import Show
from appliance.cli.face import Face, command
from appliance.cli.progress import size_text
from appliance.errors import EXIT_OK, EXIT_WARNINGS, DemoSetAside, NetworkLost, RootkitNotPlanted
from appliance.ports import Birth, CopyRequest, RestoreRequest
from appliance.words import N_

HOLDERS, QUORUM, DRIVES, DATA_SHARDS = 5, 3, 6, 4  # the embedded default
LOST_BAYS = (2, 5)
LOST_HOLDERS = (1, 4)


@click.command("demo", help=N_("The main job on the emulated board, with real data."))
@click.option(
    "--source", type=click.Path(exists=True, file_okay=False), default=None, help=N_("a tree of your own")
)
@click.option("--keep", is_flag=True, help=N_("leave the demo's directory behind"))
@command
def demo(face: Face, *, source: str | None, keep: bool) -> int:
    """The main job on the emulated board, with real data."""
    world = face.world
    scene = world.prepare(str(Path(source).resolve()) if source else None)
    try:
        with face.screen() as screen:
            appliance = face.open(Path(scene.home))
            show = Show(face=face, screen=screen, scene=scene, appliance=appliance)
            play(show)
    finally:
        if not keep:
            world.clean_up(scene)
    demo_table.put(show)
    if keep:
        click.echo(face.text(N_("The demo's directory is {home}."), home=scene.home), err=True)
    return EXIT_WARNINGS if show.warnings else EXIT_OK


def play(show: Show) -> None:
    """All acts in order."""
    _birth(show)
    _outside_the_window(show)
    _first_window(show)
    _rootkit(show)
    _second_day(show)
    _bad_day(show)
    _recovery(show)


def _birth(show: Show) -> None:
    show.act(1, N_("Birth: 6 drives (any 4 restore), 5 holders (any 3 open), a signed policy"))
    show.say(
        N_("source {tree}: {files} files, {size}"),
        tree=show.scene.tree,
        files=show.scene.tree_files,
        size=size_text(show.scene.tree_bytes),
    )
    born = show.appliance.create(
        Birth(
            drives=DRIVES,
            data_shards=DATA_SHARDS,
            holders=HOLDERS,
            quorum=QUORUM,
            window="03:00-05:00 daily",
            sources=(("data", show.scene.tree), ("work", show.scene.work)),
        ),
        show.screen,
    )
    show.require(born["proven"] == HOLDERS, "every holder's share is proven")
    show.say(N_("{count} tokens unsealed their share and were checked; the vault key is gone"), count=HOLDERS)


def _outside_the_window(show: Show) -> None:
    show.act(2, N_("Outside the window: root on the controller drives every pin and asks for the link"))
    tried: Mapping[str, Any] = show.appliance.connect_outside(show.screen)
    show.require(bool(tried["refused"]) and not tried["link_ms"], "the interlock refuses outside the window")
    show.require(tried["network"].get("code") == NetworkLost.code, "the source cannot be reached")
    show.say(N_("interlock: refused {refused} requests ({cause}); no coil moved, the source gave"), **tried)
    show.screen.log(f'         "{sentence.of(show.face.catalogue, tried["network"])}"')


def _first_window(show: Show) -> None:
    show.act(3, N_("The window: pull, cut the link, restart clean, scatter, verify, commit"))
    show.screen.expected["intake"] = show.scene.tree_bytes + show.scene.work_bytes
    _window(show)


def _window(show: Show) -> Mapping[str, Any]:
    window: Mapping[str, Any] = show.appliance.run_window(show.screen)
    show.windows.append(window)
    show.require(bool(window["complete"]), "the window committed a complete snapshot")
    show.require(not window["both_ms"], "link and drives were never CONNECTED together")
    show.say(
        N_("snapshot {snapshot}: read {read}, new {new}, on the drives {stored}"),
        snapshot=window["snapshot"],
        read=size_text(window["bytes_read"]),
        new=size_text(window["bytes_new"]),
        stored=size_text(window["bytes_stored"]),
    )
    show.say(
        N_("link CONNECTED {link} s, then drives CONNECTED {drives} s, cosigned as ledger entry {entry}"),
        link=window["link_s"],
        drives=window["drives_s"],
        entry=window["log_size"],
    )
    return window


def _rootkit(show: Show) -> None:
    show.act(4, N_("A rootkit in the link half: it has the controller's rights and wants to stay"))
    window = show.appliance.run_window(show.screen, show.face.world.rootkit_scenario(show.scene))
    show.windows.append(window)
    show.require(not window["both_ms"], "link and drives were never CONNECTED together")
    found: Mapping[str, Any] | None = window.get("rootkit")
    if found is None:
        show.lacks(RootkitNotPlanted())
        return
    show.require(int(found["attempts"]) > 0 and not found["reached"], "the rootkit reached nothing")
    show.require(not found["alive"], "nothing of the rootkit is alive after the airlock")
    show.say(
        N_("it tried {attempts} things ({kinds}) and sent {flood} of garbage to the interlock"),
        attempts=found["attempts"],
        kinds=", ".join(found["kinds"]),
        flood=size_text(found["flood_bytes"]),
    )
    show.say(N_("at the airlock {killed} of its processes died; none is left, no drive was reached"), **found)
    if not window["complete"]:
        show.say(N_("it did cost this window: with the controller's rights it can stop a backup, not more"))
    older = show.appliance.scrub(show.screen)
    show.require(older["bad"] == 0, "nothing older was harmed")
    show.say(
        N_("scrub: {blocks} blocks on {drives} drives read, {bad} damaged: nothing older was harmed"), **older
    )


def _second_day(show: Show) -> None:
    show.act(5, N_("The next day: a few files changed"))
    changed = show.face.world.work_one_day(show.scene)
    show.say(N_("{edited} files edited, {new} new, {renamed} renamed, {gone} gone"), **changed)
    window = _window(show)
    little = changed["bytes"] + show.windows[0]["bytes_new"] // 10  # and what changed by itself meanwhile
    show.require(window["bytes_new"] <= little, "an incremental window stores little")


def _bad_day(show: Show) -> None:
    show.act(6, N_("The bad day: two drives smashed, two tokens lost"))
    show.face.world.destroy(show.scene, LOST_BAYS, LOST_HOLDERS)
    show.say(
        N_("drives {bays} and the tokens of holders {holders} are gone"),
        bays=_numbers(LOST_BAYS),
        holders=_numbers(LOST_HOLDERS),
    )


def _recovery(show: Show) -> None:
    show.act(7, N_("Recovery: the other three holders, the other four drives"))
    tokens = [str(Path(show.scene.home, "tokens", f"holder-{n}")) for n in survivors()]
    show.screen.expected["restore"] = show.scene.tree_bytes + show.scene.work_bytes
    request = RestoreRequest(
        copy=CopyRequest(snapshot="latest", tokens=tuple(tokens)),
        target=show.scene.target,
        devices=True,
        set_id=True,
    )
    show.restored = show.appliance.restore(request, show.screen)
    show.say(
        N_("{objects} objects, {bytes} restored; comparing every byte and attribute with the source"),
        objects=show.restored["objects"],
        bytes=size_text(show.restored["bytes"]),
    )
    show.compared = show.face.world.compare(show.scene, show.screen, show.restored["left_out"])
    for difference in show.compared["differences"][:5]:
        show.screen.warn(show.face.text("{text}", text=difference))
    show.require(not show.compared["differences"], "what was restored equals the source")
    show.say(N_("{objects} objects and {bytes} bytes compared: equal"), **show.compared)
    aside = show.compared["set_aside"]
    if aside:
        show.lacks(DemoSetAside(count=len(aside), first=aside[0]))


def survivors() -> list[int]:
    """Holders whose tokens are left."""
    return [number for number in range(1, HOLDERS + 1) if number not in LOST_HOLDERS]


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
