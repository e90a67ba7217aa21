"""A vault's custody for tests: real file tokens with a low work factor, born by the real ceremony."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.adapters import token_file
from appliance.adapters.token_file import FileToken
from appliance.custody import passphrase, policy_files
from appliance.custody.birth import Act, Step
from appliance.custody.policy import Policy, SourceLine
from appliance.custody.policy_files import SignedPolicy
from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName, VaultId
from appliance.domain.schedule import Duration, Slot, Window
from appliance.service import birth
from appliance.service.birth import Born, Plan

WORK_FACTOR = 1  # log2 N; what is tested here does not depend on it
JAPAN_S = 9 * 3600


def public_key() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def plan(quorum: int = 3, holders: int = 5) -> Plan:
    night = Slot(begin_s=3 * 3600, end_s=5 * 3600, offset_s=JAPAN_S)
    return Plan(
        vault_id=VaultId(os.urandom(16)),
        quorum=quorum,
        holders=holders,
        log_key=public_key(),
        witness_key=public_key(),
        windows=(Window(slot=night, link=Duration(amount=60, unit="m")),),
        scrubs=(Slot(begin_s=6 * 3600, end_s=22 * 3600, offset_s=JAPAN_S),),
        geometry=Geometry(data=4, parity=2, write_quorum=5),
        sources=(SourceLine(name=SourceName("docs"), tier=1, path=b"/srv/docs"),),
        delay=Duration(amount=72, unit="h"),
    )


@dataclass(kw_only=True)
class Custody:
    """A vault that was born under `place`. `passphrases` by holder, as each of them knows their own."""

    place: Path
    plan: Plan
    born: Born
    passphrases: dict[HolderNumber, str]

    @property
    def signed(self) -> SignedPolicy:
        files = self.born.files()
        return policy_files.load(1, lambda name, _limit: files.get(name))

    @property
    def policy(self) -> Policy:
        return self.signed.policy

    def folder(self, holder: int) -> Path:
        return self.place / f"holder-{holder}"

    def token(self, holder: int) -> FileToken:
        """Opened anew, with its holder's passphrase."""
        return FileToken(str(self.folder(holder)), lambda: self.passphrases[HolderNumber(holder)])

    def tokens(self, *holders: int) -> list[FileToken]:
        return [self.token(holder) for holder in holders]


class Ceremony:
    """The pieces of a birth, so that a test can put a bad one in."""

    def __init__(self, place: Path, quorum: int = 3, holders: int = 5) -> None:
        self.place = place
        self.plan = plan(quorum, holders)
        self.passphrases: dict[HolderNumber, str] = {}
        self.acts: list[tuple[Step, Act]] = []

    def enrol(self, holder: HolderNumber) -> FileToken:
        words = self.passphrases[holder] = passphrase.generate(os.urandom)
        folder = str(self.place / f"holder-{holder}")
        return token_file.enrol(folder, holder, passphrase=words, entropy=os.urandom, work_factor=WORK_FACTOR)

    def reopen(self, holder: HolderNumber) -> FileToken:
        return FileToken(str(self.place / f"holder-{holder}"), lambda: self.passphrases[holder])

    def say(self, step: Step, act: Act) -> None:
        self.acts.append((step, act))

    def run(self) -> Custody:
        born = birth.run(self.plan, enrol=self.enrol, reopen=self.reopen, entropy=os.urandom, say=self.say)
        return Custody(place=self.place, plan=self.plan, born=born, passphrases=self.passphrases)


def bear(place: Path, quorum: int = 3, holders: int = 5) -> Custody:
    return Ceremony(place, quorum, holders).run()
