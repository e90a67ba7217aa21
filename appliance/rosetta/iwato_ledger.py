"""iwato-ledger: is this exported Iwato ledger the one that was seen outside the box? From FORMAT.md 7 and 9.

    python3 iwato_ledger.py LEDGER --checkpoint FILE... [--policy policy-1.txt] [--lang ja]
    python3 iwato_ledger.py LEDGER --proof FILE --entry FILE

LEDGER is what `iwato ledger export` wrote. FILE is a checkpoint that was kept outside: a note, or lines that
begin with IWATO1: as a QR code gives them. Needs Python 3.11 or newer and `pip install cryptography`.

It believes nothing in LEDGER. Two keys sign every checkpoint, the box's and its witness's; checkpoints from
outside show whether the keys that LEDGER names are those, and --policy whether holders signed for them. It
reads LEDGER once and keeps one hash for every power of two. Exit code: 0 it is the ledger that was seen
outside, 3 it only agrees with itself, 4 it was changed, or cannot be tied to what was seen, 1 it stopped.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace as Facts
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

HEADER = b"iwato-ledger-export v1\n"  # 7.7
END, ENTRY, LEAF, NOTE, KEY, SIGNATURE = range(6)  # kinds of records, 7.7
RECORD_MAX, NOTE_MAX = 1 << 24, 1 << 16  # bytes
BLOCK = 1 << 22  # bytes that are read at a time
BATCH = 1 << 14  # leaves that are hashed together
RECENT_MAX = 48  # entries in which two that were exchanged are looked for
GAP = b'"kind":"gap"'
SHORT, SHORT_DIGITS = "IWATO1:", 186  # 7.8
NAMED_MAX = 20  # findings of one sort that are said
BARE_MAX = 1 << 16  # lost entries, and entries that speak of them

# What a person is told, in English and Japanese.
SAY = {
    "stopped": (
        "STOPPED: {what}",
        "中止しました:{what}",
    ),
    "entries": (
        "{size} entries, root {root}",
        "エントリー {size} 件、ルート {root}",
    ),
    "agrees": (
        "{label}: agrees. The first {at} entries are those that were signed (witness's time {time}).",
        "{label}:一致します。最初の {at} 件は署名されたとおりです(証人の時刻 {time})。",
    ),
    "verified": (
        "The ledger is the one that was seen outside.",
        "この台帳は、外部で確認されたものと同じです。",
    ),
    "alone": (
        (
            "No checkpoint from outside was given. The ledger agrees with itself; whoever has the box "
            "could have written all of it anew."
        ),
        (
            "外部で保管されたチェックポイントがありません。台帳は内部では矛盾していませんが、装置を手にした"
            "者が全体を書き直した可能性は否定できません。"
        ),
    ),
    "unwitnessed": (
        "Entries {low} to {high} are newer than every checkpoint: nobody has signed them yet.",
        "エントリー {low} から {high} はどのチェックポイントより新しく、まだ誰も署名していません。",
    ),
    "removed": (
        (
            "REMOVED OR ROLLED BACK: {label} was signed for {at} entries, the ledger has {size}. The "
            "newest are gone."
        ),
        (
            "削除または巻き戻し:{label} は {at} 件に署名していますが、台帳には {size} 件しかありません。最"
            "新のものが失われています。"
        ),
    ),
    "changed": (
        (
            "CHANGED: {label} was signed over other entries. Of entries {low} to {high} one was removed, "
            "altered, inserted or moved."
        ),
        (
            "改変:{label} は別のエントリーに署名しています。エントリー {low} から {high} のどれかが削除、改"
            "変、挿入、または移動されています。"
        ),
    ),
    "reordered": (
        "REORDERED: entries {low} and {high} were exchanged; {label} was signed over the right order.",
        (
            "順序の入れ替え:エントリー {low} と {high} が入れ替わっています。{label} は正しい順序に署名して"
            "います。"
        ),
    ),
    "forked": (
        (
            "FORKED: {label} is signed and belongs to another history than {other}. Box and witness signed "
            "both: their keys were misused."
        ),
        (
            "分岐:{label} には署名がありますが、{other} とは別の履歴のものです。装置と証人が両方に署名して"
            "います。鍵が悪用されました。"
        ),
    ),
    "unsigned": (
        (
            "NOT SIGNED: {label} is not signed by the keys that the ledger names ({what}). It is of "
            "another box, it is forged, or the ledger's keys were exchanged: compare them with the policy."
        ),
        (
            "署名なし:{label} には、台帳が示す鍵の署名がありません({what})。別の装置のものか、偽造か、台帳"
            "の鍵がすり替えられています。ポリシーの鍵と比べてください。"
        ),
    ),
    "foreign": (
        "OTHER KEYS: the ledger's keys are not those of the policy.",
        "鍵の相違:台帳の鍵はポリシーの鍵と違います。",
    ),
    "lost": (
        "LOST: of entry {at} only the hash is here, and no later entry says so.",
        "消失:エントリー {at} はハッシュしか残っておらず、その理由を述べる後のエントリーもありません。",
    ),
    "excused": (
        "Of entry {at} only the hash is here, as a later entry says.",
        "エントリー {at} はハッシュだけが残っています。後のエントリーがそのことを述べています。",
    ),
    "countersigned": (
        "Holders {holders} countersigned the checkpoint of {at} entries.",
        "保持者 {holders} が {at} 件のチェックポイントに連署しています。",
    ),
    "misgiven": (
        (
            "What is called holder {holder}'s signature on {label} is not by the holder of that number in "
            "the policies that were given: it is an earlier holder's, or forged."
        ),
        (
            "{label} にある保持者 {holder} の署名は、与えられたポリシーのその番号の"
            "保持者のものではありません。以前の保持者のものか、偽造です。"
        ),
    ),
    "time": (
        (
            "{label} has more entries than {other}, but the witness's time in it is earlier: its clock was "
            "set back."
        ),
        "{label} は {other} より件数が多いのに、証人の時刻は前です。証人の時計が戻されています。",
    ),
    "proven": (
        "The entry is entry {at} of the ledger, under a checkpoint of {size} entries.",
        "このエントリーは台帳のエントリー {at} です({size} 件のチェックポイントによる)。",
    ),
    "unproven": (
        "NOT PROVEN: {what}",
        "証明されません:{what}",
    ),
}
GRAVE = frozenset(
    {"removed", "changed", "reordered", "forked", "unsigned", "foreign", "lost", "unproven"}
)

class Refused(Exception):
    """Something is not as FORMAT.md says; the text is for a person."""

def demand(holds: object, sentence: str) -> None:
    """Refused with this sentence, unless it holds."""
    if not holds:
        raise Refused(sentence)

# Tree (7.1) ---------------------------------------------------------------------------------------------

def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()

def extend(nodes: list[bytes], size: int, leaves: list[bytes]) -> int:
    """Appends leaf hashes to a tree, given as its perfect subtrees, largest first. The new size."""
    at, sha256 = 0, hashlib.sha256
    while at < len(leaves):
        count = 1 << (len(leaves) - at).bit_length() - 1
        count = min(count, size & -size or count)  # the largest perfect subtree that begins here
        level = leaves[at : at + count]
        while len(level) > 1:
            level = [sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=True)]
        top, bits = level[0], size // count
        while bits & 1:
            top, bits = node(nodes.pop(), top), bits >> 1
        nodes.append(top)
        size, at = size + count, at + count
    return size

def root_of(nodes: list[bytes]) -> bytes:
    """The root over a tree's perfect subtrees."""
    top = nodes[-1] if nodes else hashlib.sha256(b"").digest()
    for left in reversed(nodes[:-1]):
        top = node(left, top)
    return top

# Keys and checkpoints (7.4, 7.8, 9.4 to 9.7) ------------------------------------------------------------

def named_key(origin: str, log: bytes, witness: bytes) -> Facts:
    """The two keys of a ledger."""
    log_id = hashlib.sha256(origin.encode() + b"\n\1" + log).digest()[:4]
    witness_id = hashlib.sha256(origin.encode() + b"/witness\n\4" + witness).digest()[:4]
    return Facts(origin=origin, log=log, witness=witness, log_id=log_id, witness_id=witness_id)

def policy_keys(text: bytes) -> Facts:
    """The keys that a policy names (11.2). Whether holders signed it, `ssh-keygen -Y verify` says."""
    found = re.search(
        rb"\Aiwato-policy [0-9]+\n.*^vault-id ([0-9a-f]{32})\n"
        rb".*^log ed25519:(\S{44})\nwitness ed25519:(\S{44})\n",
        text, re.MULTILINE | re.DOTALL,
    )  # fmt: skip
    if not found:
        raise Refused("this is not a policy")
    keys = named_key(f"iwato/{found[1].decode()}", base64.b64decode(found[2]), base64.b64decode(found[3]))
    holders = re.findall(rb"^holder ([0-9]{1,2}) ssh=\S+:(\S{44}|\S{88}) ", text, re.MULTILINE)
    keys.holders = {(int(number), base64.b64decode(key)) for number, key in holders}
    return keys

@lru_cache(maxsize=4096)
def holds(key: bytes, signature: bytes, text: bytes) -> bool:
    """Whether a signature is this key's."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True

def parse_note(data: bytes) -> Facts:
    """A checkpoint's note; nothing is verified."""
    text, separator, tail = data.rpartition(b"\n\n")
    lines = (text + b"\n").decode().split("\n")
    demand(separator and tail.endswith(b"\n") and len(data) <= NOTE_MAX, "a checkpoint is cut short")
    demand(len(lines) == 4 and re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "a checkpoint has another form")
    root, signatures = base64.b64decode(lines[2], validate=True), []
    for line in tail.decode()[:-1].split("\n"):
        found = re.fullmatch("— (\\S+) (\\S+)", line)
        demand(found, "a checkpoint has another form")
        signatures.append((found[1], base64.b64decode(found[2], validate=True)) if found else ("", b""))
    demand(len(root) == 32 and len(signatures) <= 32, "a checkpoint has another form")
    return Facts(origin=lines[0], size=int(lines[1]), root=root, text=text + b"\n", lines=signatures, time=0)

def parse_short(text: str) -> Facts:
    """A short checkpoint; nothing is verified."""
    digits = text.removeprefix(SHORT)
    demand(re.fullmatch(f"[0-9A-Z]{{{SHORT_DIGITS}}}", digits) and int(digits, 36) < 1 << 960, "a QR text")
    vault, size, root, time, signature = struct.unpack(">16sI32sI64s", int(digits, 36).to_bytes(120, "big"))
    origin = f"iwato/{vault.hex()}"
    said = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
    return Facts(origin=origin, size=size, root=root, text=said, lines=None, time=time, witnessed=signature)

def lacking(said: Facts, keys: Facts) -> str:
    """"" where the signatures hold, else what is wrong. Notes the witness's time."""
    if said.origin != keys.origin:
        return "its name is another"
    if said.lines is not None:
        mine = [blob[4:] for name, blob in said.lines if (name, blob[:4]) == (keys.origin, keys.log_id)]
        seen = [
            blob[4:]
            for name, blob in said.lines
            if (name, blob[:4]) == (keys.origin + "/witness", keys.witness_id)
        ]
        if len(mine) != 1 or not holds(keys.log, mine[0], said.text):
            return "box"
        if len(seen) != 1 or len(seen[0]) != 72:
            return "witness"
        said.time, said.witnessed = int.from_bytes(seen[0][:8], "big"), seen[0][8:]
    stamped = b"cosignature/v1\ntime %d\n%s" % (said.time, said.text)
    return "" if holds(keys.witness, said.witnessed, stamped) else "witness"

def countersigned(said: Facts, key: bytes, signature: bytes) -> bool:
    """Whether a holder signed a checkpoint's text: SSHSIG (9.3) in the namespace of checkpoints."""
    parts = (b"iwato-checkpoint@v1", b"", b"sha512", hashlib.sha512(said.text).digest())
    blob = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    if len(key) == 32:
        return holds(key, signature, blob)
    try:
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        point.verify(utils.encode_dss_signature(r, s), blob, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True

def read_outside(path: Path) -> list[Facts]:
    """The checkpoints in a file from outside: one note, or any number of short ones."""
    with path.open("rb") as file:
        data = file.read(NOTE_MAX + 1)
    lines = [line.strip() for line in data.decode("utf-8-sig").strip().splitlines()]  # as mail leaves them
    found = [parse_short(line) for line in lines if line.startswith(SHORT)]
    found = found or [parse_note("".join(line + "\n" for line in lines).encode())]
    for number, said in enumerate(found, 1):
        said.label = path.name + (f" ({number})" if len(found) > 1 else "")
    return found

# The exported file (7.7) --------------------------------------------------------------------------------

def records(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(kind, payload) of each record. Refused where the file is not whole."""
    hashed, kept, at = hashlib.sha256(), b"", 0
    kept = stream.read(BLOCK)
    demand(kept.startswith(HEADER), "this is no exported ledger, or one of a later version")
    at = len(HEADER)
    unpack, whole = struct.Struct(">BI").unpack_from, len(kept) - 5
    while True:
        kind, length = unpack(kept, at) if at <= whole else (END, 0)
        begin = at + 5
        at = begin + length
        if at > whole + 5:
            demand(length <= RECORD_MAX, "a record is too long")
            hashed.update(kept[: begin - 5])
            more = stream.read(BLOCK)
            demand(more, "the file is cut short")
            kept, at = kept[begin - 5 :] + more, 0
            whole = len(kept) - 5
            continue
        if kind == END:
            hashed.update(kept[: begin - 5])
            demand(kept[begin + 8 : at] == hashed.digest(), "the file was damaged on its way")
            demand(at == len(kept) and not stream.read(1), "there is more behind the end")
            yield kind, kept[begin:at]
            return
        yield kind, kept[begin:at]

class Walk:
    """One pass over the exported ledger. `findings` are (name in SAY, values)."""

    def __init__(self, outside: list[Facts], keys: Facts | None = None) -> None:
        self.outside = sorted(outside, key=lambda said: said.size)
        self.policy, self.keys, self.named = keys, keys, list[bytes]()
        self.findings: list[tuple[str, dict[str, object]]] = []
        self.nodes, self.size, self.leaves = list[bytes](), 0, list[bytes]()
        # The last tree that a checkpoint agrees with, and the leaves since then, if they are few.
        self.right, self.recent = Facts(size=0, nodes=[], said=None), list[bytes]()
        self.newest: Facts | None = None  # checkpoint in the file that agrees
        self.agreeing, self.beyond = list[Facts](), list[Facts]()
        self.wrong = list[tuple[Facts, int, tuple[int, int] | None]]()
        self.last: Facts | None = None  # checkpoint that the record before is of, or signs
        self.ceremonies = dict[int, list[int]]()  # holders by the size that they signed
        self.bare, self.excused = dict[int, bytes](), set[tuple[int, str]]()

    def say(self, name: str, **values: object) -> None:
        """Keep a finding; of one sort, as many as a person can read."""
        if sum(name == other for other, _ in self.findings) < NAMED_MAX:
            self.findings.append((name, values))

    def run(self, stream: BinaryIO) -> "Walk":
        """All of the file. Refused where it is not one."""
        marks = [*sorted({said.size for said in self.outside}), 1 << 64]
        room, count, sha256 = BATCH, -1, hashlib.sha256
        for kind, payload in records(stream):
            if kind == ENTRY:
                self.leaves.append(sha256(b"\0" + payload).digest())
                if GAP in payload:
                    self.excuse(payload)
                self.last = None
                if len(self.leaves) < room:
                    continue
            elif kind == LEAF:
                demand(len(payload) == 32, "a bare hash has another length")
                demand(len(self.bare) < BARE_MAX, "more entries are lost than are kept count of")
                self.bare[self.size + len(self.leaves)] = payload
                self.leaves.append(payload)
                self.last = None
            elif kind == KEY:
                self.take_key(payload)
            elif kind == NOTE:
                self.fold()
                self.last = parse_note(payload)
                self.note(self.last)
            elif kind == SIGNATURE:
                self.countersign(payload)
            else:
                demand(kind == END and len(payload) == 40, "a record of an unknown kind")
                count = int.from_bytes(payload[:8], "big")
            self.fold()
            while len(self.named) > 1 and marks[0] <= self.size:
                self.at_marks(marks.pop(0))
            room = min(BATCH, marks[0] - self.size)
        demand(count == self.size and len(self.named) == 2, "the file lacks entries or keys")
        return self.conclude()

    def fold(self) -> None:
        """Put the waiting leaves into the tree."""
        if self.leaves:
            if len(self.recent) <= RECENT_MAX:
                self.recent += self.leaves[: RECENT_MAX + 1]
            self.size = extend(self.nodes, self.size, self.leaves)
            self.leaves = []

    def take_key(self, text: bytes) -> None:
        """The file's own keys, log then witness, before anything else."""
        demand(len(self.named) < 2 and not self.size, "a key in the wrong place")
        self.named.append(text)
        if len(self.named) < 2:
            return
        found = [re.fullmatch(rb"(\S+)\+[0-9a-f]{8}\+(\S+)", line) for line in self.named]
        demand(all(found), "a key has another form")
        names = [one[1].decode() for one in found if one]
        blobs = [base64.b64decode(one[2], validate=True) for one in found if one]
        demand(names[1] == names[0] + "/witness", "a key has another name")
        demand([(len(b), b[0]) for b in blobs] == [(33, 1), (33, 4)], "a key has another form")
        keys = named_key(names[0], blobs[0][1:], blobs[1][1:])
        if self.policy and (keys.origin, keys.log, keys.witness) != (
            self.policy.origin, self.policy.log, self.policy.witness,
        ):  # fmt: skip
            self.say("foreign")
        self.keys = self.policy or keys
        for said in list(self.outside):
            what = lacking(said, self.keys)
            if what:
                self.outside.remove(said)
                self.say("unsigned", label=said.label, what=what)
        for one, other in zip(self.outside, self.outside[1:], strict=False):
            if one.size == other.size and one.root != other.root:
                self.say("forked", label=other.label, other=one.label)
            elif one.size < other.size and one.time > other.time:
                self.say("time", label=other.label, other=one.label)

    def excuse(self, entry: bytes) -> None:
        """An entry that says that an earlier one is lost."""
        try:
            told = json.loads(entry)
            if told["kind"] == "gap" and told["index"] < self.size + len(self.leaves):
                demand(len(self.excused) < BARE_MAX, "more entries are lost than are kept count of")
                self.excused.add((told["index"], told["leaf"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return

    def at_marks(self, size: int) -> None:
        """Hold the tree against the checkpoints from outside that have its size."""
        for said in [said for said in self.outside if said.size == size == self.size]:
            self.judge(said)

    def note(self, said: Facts) -> None:
        """Hold the tree against a checkpoint of the file; its signatures are asked only where it matters."""
        demand(self.keys is not None, "a checkpoint before the keys")
        said.label = f"checkpoint-{said.size}"
        demand(said.size >= self.size, "a checkpoint in the wrong place")
        if said.size == self.size and said.root == root_of(self.nodes):
            self.newest = said
            self.settle(said)
        elif self.signed(said) and said.size > self.size:
            demand(len(self.beyond) < NAMED_MAX, "too many checkpoints of entries that are not here")
            self.beyond.append(said)
        elif said.size == self.size and not self.keys_lack(said):
            self.judge(said)

    def countersign(self, payload: bytes) -> None:
        """A holder's signature on the checkpoint before it; only a policy knows the holders' keys."""
        if self.last is None or len(payload) != 65:
            raise Refused("a countersignature in the wrong place, or of another length")
        known = [key for number, key in self.policy.holders if number == payload[0]] if self.policy else []
        if self.policy and not any(countersigned(self.last, key, payload[1:]) for key in known):
            self.say("misgiven", label=self.last.label, holder=payload[0])
        elif self.policy:
            self.ceremonies.setdefault(self.last.size, []).append(payload[0])
            while len(self.ceremonies) > NAMED_MAX:
                self.ceremonies.pop(next(iter(self.ceremonies)))

    def keys_lack(self, said: Facts) -> str:
        """What is wrong with a checkpoint's signatures."""
        return lacking(said, self.keys or Facts(origin=""))

    def signed(self, said: Facts) -> bool:
        """Whether a checkpoint of the file holds; said if not."""
        what = self.keys_lack(said)
        if what:
            self.say("unsigned", label=said.label, what=what)
        return not what

    def judge(self, said: Facts) -> None:
        """A checkpoint whose signatures hold against the entries read so far."""
        if said.root == root_of(self.nodes):
            self.agreeing.append(said)
            self.settle(said)
        elif len(self.wrong) < NAMED_MAX:
            sure = self.right.said is None or not self.keys_lack(self.right.said)
            self.wrong.append((said, self.right.size if sure else 0, self.exchanged(said) if sure else None))

    def settle(self, said: Facts) -> None:
        """What is before is right, if this checkpoint is."""
        self.right, self.recent = Facts(size=self.size, nodes=list(self.nodes), said=said), []

    def exchanged(self, said: Facts) -> tuple[int, int] | None:
        """The two entries since the last right tree that lead to this checkpoint once they are put back."""
        begin, leaves = self.right.size, self.recent
        if len(leaves) > RECENT_MAX or len(leaves) != self.size - begin:
            return None
        for high in range(len(leaves)):
            for low in range(high):
                tried, nodes = leaves[:], list(self.right.nodes)
                tried[low], tried[high] = tried[high], tried[low]
                extend(nodes, begin, tried)
                if root_of(nodes) == said.root:
                    return begin + low, begin + high
        return None

    def conclude(self) -> "Walk":
        """What the whole file says."""
        demand(all(said.size > self.size for said in self.beyond), "a checkpoint in the wrong place")
        for said in [*self.beyond, *(said for said in self.outside if said.size > self.size)]:
            self.say("removed", label=said.label, at=said.size)
        if self.newest and self.signed(self.newest):
            self.agreeing.append(self.newest)
        self.agreeing.sort(key=lambda said: said.size)
        for said, low, pair in self.wrong:
            later = [other for other in self.agreeing if other.size >= said.size]
            if later:
                self.say("forked", label=said.label, other=later[0].label)
            elif pair:
                self.say("reordered", label=said.label, low=pair[0], high=pair[1])
            else:
                self.say("changed", label=said.label, low=low, high=said.size - 1)
        for at, leaf in self.bare.items():
            self.say("excused" if (at, leaf.hex()) in self.excused else "lost", at=at)
        for said in self.agreeing:
            self.say("agrees", label=said.label, at=said.size, time=clock(said.time))
        for at, holders in self.ceremonies.items():
            self.say("countersigned", at=at, holders=", ".join(map(str, holders[:16])))
        top = self.agreeing[-1].size if self.agreeing else 0
        if top < self.size:
            self.say("unwitnessed", low=top, high=self.size - 1)
        if not self.outside:
            self.say("alone")
        elif self.exit_code() == 0:
            self.say("verified")
        return self

    def exit_code(self) -> int:
        """4 for what no honest box leaves behind, 3 for what only agrees with itself."""
        if any(name in GRAVE for name, _ in self.findings):
            return 4
        return 0 if self.outside else 3

def clock(unix_s: int) -> str:
    """The witness's time for a person."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat() if unix_s < 1 << 37 else str(unix_s)

# Proofs (7.6) -------------------------------------------------------------------------------------------

def prove(proof: bytes, entry: bytes, keys: Facts) -> tuple[int, int]:
    """The entry's index and the size of the checkpoint that covers it. Refused if the proof does not hold."""
    head, separator, note = proof.partition(b"\n\n")
    lines = head.decode().split("\n")
    demand(separator and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) <= 66, "this is no proof")
    index, said = re.fullmatch("index (0|[1-9][0-9]{0,15})", lines[1]), parse_note(note)
    if not index:
        raise Refused("this is no proof")
    what = lacking(said, keys)
    demand(not what, f"the checkpoint is not signed: {what}")
    at, last, top = int(index[1]), said.size - 1, hashlib.sha256(b"\0" + entry).digest()
    demand(at <= last, "the checkpoint is older than the entry")
    position = at
    for sibling in [base64.b64decode(line, validate=True) for line in lines[2:]]:
        demand(last and len(sibling) == 32, "the path is too long")
        if position & 1 or position == last:
            top = node(sibling, top)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            top = node(top, sibling)
        position, last = position >> 1, last >> 1
    demand(last == 0 and top == said.root, "it is not this entry")
    return int(index[1]), said.size

# Command line -------------------------------------------------------------------------------------------

def main() -> int:
    """The command line."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((os.environ[name] for name in names if os.environ.get(name)), "")
    parser = argparse.ArgumentParser(description="Is this Iwato ledger the one that was seen outside?")
    parser.add_argument("ledger", type=Path, metavar="LEDGER")
    parser.add_argument("--checkpoint", nargs="+", type=Path, action="extend", default=[], metavar="FILE")
    parser.add_argument("--policy", nargs="+", type=Path, default=[], metavar="FILE", help="of the holders")
    parser.add_argument("--proof", type=Path, metavar="FILE", help="of one entry; with --entry")
    parser.add_argument("--entry", type=Path, metavar="FILE")
    parser.add_argument("--lang", choices=("en", "ja"), default="ja" if language.startswith("ja") else "en")
    chosen = parser.parse_args()
    size, root, status = 0, b"", 1
    findings: list[tuple[str, dict[str, object]]] = []
    try:
        keys: Facts | None = None
        for text in [path.read_bytes()[:16385] for path in chosen.policy]:
            more = policy_keys(text)
            demand(keys is None or keys.log_id == more.log_id, "these policies are of two boxes")
            more.holders |= keys.holders if keys else set()
            keys = more
        outside = [said for path in chosen.checkpoint for said in read_outside(path)]
        with chosen.ledger.open("rb") as stream:
            walk = Walk(outside, keys).run(stream)
        findings, size, root, status = walk.findings, walk.size, root_of(walk.nodes), walk.exit_code()
        if chosen.proof and chosen.entry and walk.keys:
            try:
                proof, entry = chosen.proof.read_bytes(), chosen.entry.read_bytes()
                at, under = prove(proof[: NOTE_MAX * 2], entry, walk.keys)
                findings.append(("proven", {"at": at, "size": under}))
            except (Refused, ValueError) as error:
                findings.append(("unproven", {"what": error}))
                status = 4
    except (Refused, ValueError, LookupError, struct.error, OSError) as error:
        findings.append(("stopped", {"what": error}))
    told = [("entries", {"size": size, "root": base64.b64encode(root).decode()})] if root else []
    for name, values in [*told, *findings]:
        sentence = SAY[name][chosen.lang == "ja"].format(**{"size": size, **values})
        print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence))
    return status

if __name__ == "__main__":
    sys.exit(main())
