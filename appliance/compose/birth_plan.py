"""Making an appliance: keys of the workshop, the birth ceremony, the first policy, the first drives.

A birth that did not end never happened: what it made is removed again, and where nobody was left to do
that, the home is still marked as unborn and serves no command.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from appliance.compose import confinement, key_rooms, operational_keys, window_text
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home, keep_apart
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import policy_facts
from appliance.custody.policy import SourceLine
from appliance.domain.geometry import Geometry
from appliance.domain.ids import SourceName, VaultId
from appliance.domain.schedule import Duration
from appliance.errors import InterlockRefused, PolicyInvalid, UsageError
from appliance.ports import Birth, Entropy
from appliance.service.birth import Born, Plan
from hw import profile
from hw.twin import commissioning

VAULT_ID_BYTES = 16
DELAY = Duration(amount=72, unit="h")  # 40-custody: in which any one holder can veto a change
SOURCE_TIER = 1  # tier 0 is for identity and key stores, which a person names in a later policy


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVault:
    """What birth gave."""

    born: Born
    vault_id: VaultId


def refuse(home: Home, asked: Birth) -> None:
    """Everything that is wrong with the wish itself, before the home is touched. UsageError, PathUnsafe."""
    _checked(home, asked)
    window_text.scrub_slot(window_text.parse(asked.window))


def make(home: Home, asked: Birth, entropy: Entropy, unix_s: int) -> NewVault:
    """Create the home's files up to the signed policy. UsageError, HomeNotEmpty, BirthInterrupted,
    PathUnsafe, SharingRefused before anything was made."""
    plan_parts = _checked(home, asked)
    home.require_vacant()
    try:
        home.unborn.touch(exist_ok=False)
        _sync(home.root)  # there before anything that it speaks of
        home.create(asked.drives)
        return _commission(home, asked, plan_parts, entropy, unix_s)
    except PolicyInvalid as error:  # nobody signed anything: the words of the command made it so
        discard(home)
        raise UsageError(detail=str(error.values["detail"])) from None
    except BaseException:
        discard(home)
        raise


def discard(home: Home) -> None:
    """Remove what an unfinished birth made; the directory itself stays, empty."""
    for item in home.root.iterdir():
        if item != home.unborn:  # the mark goes last
            shutil.rmtree(item)
    home.unborn.unlink(missing_ok=True)


def finish(home: Home) -> None:
    """From here on the home is an appliance: everything in it is durable, then the mark goes."""
    for folder, _, names in os.walk(home.root, topdown=False):
        for name in (*names, "."):
            _sync(Path(folder, name))
    home.unborn.unlink()
    _sync(home.root)


def _checked(home: Home, asked: Birth) -> tuple[Geometry, tuple[SourceLine, ...]]:
    bays = len(profile.load("emulated").pins.drives)
    if asked.drives > bays:
        raise UsageError(detail=f"--drives {asked.drives}: the emulated board has {bays} bays")
    parity = asked.drives - asked.data_shards
    try:
        geometry = Geometry(
            data=asked.data_shards, parity=parity, write_quorum=min(asked.data_shards + 1, asked.drives)
        )
    except ValueError as error:
        raise UsageError(detail=str(error)) from None
    for name, _ in asked.sources:
        if not policy_facts.is_source_name(name):
            raise UsageError(detail=f"--source {name}=…: a name has 1 to 32 of the characters a-z 0-9 _ -")
    confinement.refuse_exposed(home.root)
    keep_apart(home.root, {name: Path(path) for name, path in asked.sources})
    lines = tuple(
        SourceLine(name=SourceName(name), tier=SOURCE_TIER, path=os.fsencode(path))
        for name, path in asked.sources
    )
    return geometry, lines


def _commission(
    home: Home,
    asked: Birth,
    parts: tuple[Geometry, tuple[SourceLine, ...]],
    entropy: Entropy,
    unix_s: int,
) -> NewVault:
    geometry, lines = parts
    window = window_text.parse(asked.window)
    seeds = {name: entropy(operational_keys.KEY_BYTES) for name in ("witness", "log", "pairing", "dedup")}
    commissioning.commission(
        home.emulated,
        pairing_key=seeds["pairing"],
        witness_seed=seeds["witness"],
        start_unix_s=unix_s,
    )
    for folder in (home.intake_state, home.seal_state):
        operational_keys.write(folder, operational_keys.PAIRING, seeds["pairing"])
    operational_keys.write(home.intake_state, operational_keys.DEDUP, seeds["dedup"])
    operational_keys.write(home.seal_state, operational_keys.LOG, seeds["log"])
    plan = Plan(
        vault_id=VaultId(entropy(VAULT_ID_BYTES)),
        quorum=asked.quorum,
        holders=asked.holders,
        log_key=operational_keys.public_of(seeds["log"]),
        witness_key=commissioning.witness_public_key(seeds["witness"]),
        windows=(window,),
        scrubs=(window_text.scrub_slot(window),),
        geometry=geometry,
        sources=lines,
        delay=DELAY,
    )
    born = key_rooms.hold_birth(plan, home.tokens)
    for name, content in born.files().items():
        (home.policy / name).write_bytes(content)
    return NewVault(born=born, vault_id=plan.vault_id)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def give_policy(board: EmulatedBoard, texts: PolicyFiles) -> None:
    """Policy 1: once, with the key switch turned. InterlockRefused with its cause."""
    board.settle()
    board.turn_key(turned=True)
    interlock = board.interlock()
    interlock.hello()
    cause = interlock.upload_policy(texts.text, texts.signed.signatures())
    board.turn_key(turned=False)
    board.power_off()
    if cause:
        raise InterlockRefused(request="policy 1", cause=cause)
