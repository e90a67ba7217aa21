"""The birth with file tokens, in its own process: joins service/birth.py, the token folders and the key
process. The parent gets public things only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import msgspec

from appliance.adapters import key_process, token_file
from appliance.adapters.key_process import Hardening, Say
from appliance.adapters.token_file import FileToken
from appliance.custody import passphrase as words
from appliance.custody.birth import Act, Step
from appliance.domain.ids import HolderNumber
from appliance.service import birth
from appliance.service.birth import Born, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`tokens` is the folder in which `holder-N` are made. On the emulated board the passphrases are left
    beside the tokens, because a script plays the holders."""

    plan: Plan
    tokens: str
    emulated: bool


def bear(plan: Plan, tokens: str, *, emulated: bool, hear: Say | None = None) -> tuple[Born, Hardening]:
    """The whole ceremony in a process of its own. `hear` is told each act as a line."""
    request = Request(plan=plan, tokens=os.path.abspath(tokens), emulated=emulated)
    answer = key_process.run(program, msgspec.json.encode(request), hear=hear)
    return msgspec.json.decode(answer.body, type=Born), answer.hardening


def program(request_bytes: bytes, say: Say) -> bytes:
    """The key process's side."""
    request = msgspec.json.decode(request_bytes, type=Request)
    passphrases: dict[HolderNumber, str] = {}
    work_factor = token_file.WORK_FACTOR_EMULATED if request.emulated else token_file.WORK_FACTOR

    def folder(holder: HolderNumber) -> str:
        return os.path.join(request.tokens, f"holder-{holder}")

    def enrol(holder: HolderNumber) -> FileToken:
        secret = passphrases[holder] = words.generate(os.urandom)
        token = token_file.enrol(
            folder(holder), holder, passphrase=secret, entropy=os.urandom, work_factor=work_factor
        )
        if request.emulated:
            token_file.leave_passphrase(folder(holder), secret)
        return token

    def reopen(holder: HolderNumber) -> FileToken:
        return FileToken(folder(holder), lambda: passphrases[holder])

    def tell(step: Step, act: Act) -> None:
        say(f"{step.value}: {' '.join(map(str, act))}" if act else step.value)

    born = birth.run(request.plan, enrol=enrol, reopen=reopen, entropy=os.urandom, say=tell)
    return msgspec.json.encode(born)
