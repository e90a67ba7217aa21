"""iwato-rosetta: restores an Iwato vault without Iwato. Written from FORMAT.md, whose clauses it names.

    python3 iwato_rosetta.py DRIVE_DIR... --list
    python3 iwato_rosetta.py DRIVE_DIR... --token TOKEN_DIR... --target NEW_DIR [--snapshot ID]

DRIVE_DIR is a mounted vault drive (it holds IWATO-DRIVE), TOKEN_DIR a holder's folder (it holds token.txt).
Needs a Unix-like system, Python 3.11 or newer, and `pip install "cryptography>=50" zstandard blake3`.

It believes nothing on a drive: what k holders signed names the keys, these keys sign the ledger, the ledger
names the packs, a pack's name is the hash of its bytes, and only the holders' key opens it. What a signature,
hash or seal covers is not checked for style again. It holds whole packs (at most 256 MiB) in memory, is slow,
and writes only below NEW_DIR. Exit code: 0 all is restored and well, 1 it stopped, 3 what is wrong is named.
"""

import argparse
import base64
import getpass
import hashlib
import hmac
import itertools
import json
import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Facts
from typing import Any

import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

COLUMN = 1 << 20  # bytes of a column (5.2) and of a frame of a manifest (4.1)
TEXT_MAX, RAW_MAX, SEGMENT_MAX, RECORDS_MAX, PACK_MAX = (1 << n for n in (16, 21, 25, 27, 28))  # 7.3, 8.1
FILE, DIRECTORY, SYMLINK, FIFO, _CHARACTER, _BLOCK, FURTHER = range(7)  # 4.5
FINDINGS: list[str] = []  # what the person must hear at the end; any makes the exit code 3

class Refused(Exception):
    """Something is not as FORMAT.md says; the text is for a person."""

# All that damaged bytes can lead to; DAMAGED of these do not come from the target's disk.
DAMAGED = (Refused, ValueError, LookupError, struct.error, zstandard.ZstdError)
BROKEN = (*DAMAGED, OSError)

def demand(holds: object, sentence: str) -> None:
    """Refused with this sentence, unless it holds."""
    if not holds:
        raise Refused(sentence)

def finding(sentence: str) -> None:
    """Keeps a sentence for the end. Nothing in it can steer the terminal."""
    FINDINGS.append("".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence))

class Cursor:
    """Takes bytes and big-endian numbers (`struct`: B 1 byte, H 2, I 4, Q 8) off a buffer."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        self.at += count
        demand(self.at <= len(self.data), "something is cut short")
        return self.data[self.at - count : self.at]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """The next numbers."""
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))

def read_part(path: Path, begin: int, length: int) -> bytes:
    """Bytes of a plain file from outside; no link and no device is followed."""
    demand(path.is_file() and not path.is_symlink(), "it is missing, or no plain file")
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(length)

def read_file(path: Path, most: int = TEXT_MAX) -> bytes:
    """All of it, if it has at most `most` bytes."""
    data = read_part(path, 0, most + 1)
    demand(len(data) <= most, "it is too long")
    return data

def read_facts(text: bytes, mark: bytes) -> dict[str, list[str]]:
    """Texts with one fact a line (6.2, 10, 11): first word to the rest. 12.2: no other mark is read."""
    demand(text.startswith(mark), "it is of another version, or something else")
    facts: dict[str, list[str]] = {}
    for word, _, rest in (line.partition(" ") for line in text.decode().splitlines()):
        facts.setdefault(word, []).append(rest)
    return facts

def unbase64(text: str) -> bytes:
    """1.3: with or without padding, in one spelling."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    demand(base64.b64encode(data).decode().rstrip("=") == text.rstrip("="), "Base64 with a second spelling")
    return data

# Age files (section 2) -------------------------------------------------------------------------------------
STANZA = rb"-> ([\x21-\x7e]+(?: [\x21-\x7e]+)*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)"
HEADER = re.compile(rb"(age-encryption\.org/v1\n" + STANZA + rb"---) ([A-Za-z0-9+/]{43})\n")
SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)

def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, 32 bytes."""
    return hmac.digest(hmac.digest(salt, key, "sha256"), info + b"\1", "sha256")

def unseal(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    """ChaCha20-Poly1305 without associated data."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise Refused("it does not open: another key or passphrase, or it was changed") from None

def open_age(data: bytes, file_key_of: Callable[[list[str], bytes], bytes]) -> bytes:
    """2.1, 2.3, 2.5: the plaintext. All files here have one stanza (2.6, 2.8, 10.2)."""
    header = HEADER.match(data[:TEXT_MAX])
    if not header:
        raise Refused("it is no age file with one recipient")
    file_key = file_key_of(header[2].decode().split(" "), unbase64(header[3].decode().replace("\n", "")))
    mac = hmac.digest(hkdf(file_key, b"", b"header"), header[1], "sha256")
    demand(hmac.compare_digest(mac, unbase64(header[4].decode())), "its header was changed")
    start, pieces = header.end() + 16, []
    key = hkdf(file_key, data[start - 16 : start], b"payload")
    for number, at in enumerate(range(start, max(len(data), start + 1), 65552)):
        last = at + 65552 >= len(data)
        pieces.append(unseal(key, number.to_bytes(11, "big") + bytes([last]), data[at : at + 65552]))
    demand(len(pieces) == 1 or pieces[-1], "it ends with an empty piece")
    return b"".join(pieces)

def passphrase_key(passphrase: str, words: list[str], body: bytes) -> bytes:
    """2.6: the file key of a token's identity."""
    kind, salt, cost = words
    demand(kind == "scrypt" and len(unbase64(salt)) == 16 and 0 < int(cost) <= 20, "no passphrase opens it")
    key = hashlib.scrypt(passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + unbase64(salt),
                         n=1 << int(cost), r=8, p=1, maxmem=2**31 - 2, dklen=32)  # fmt: skip
    return unseal(key, bytes(12), body)

class Identity:
    """2.2: the private half of an `age1pq` recipient, from its seed."""

    def __init__(self, seed: bytes) -> None:
        stream = hashlib.shake_256(seed).digest(96)
        lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(stream[:64])
        curve = x25519.X25519PrivateKey.from_private_bytes(stream[64:])
        self.key = hpke.MLKEM768X25519PrivateKey(lattice, curve)
        recipient = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        self.fingerprint = hashlib.sha256(recipient).hexdigest()

    def file_key(self, words: list[str], body: bytes) -> bytes:
        """2.4: single-shot HPKE in base mode."""
        demand(words[0] == "mlkem768x25519" and len(body) == 32, "it is sealed to another kind of key")
        try:
            return SUITE.decrypt(unbase64(words[1]) + body, self.key, b"age-encryption.org/mlkem768x25519")
        except InvalidTag:
            raise Refused("it is sealed to another key") from None

# Arithmetic in GF(2^8): Reed-Solomon over the drives (5.3), Shamir's shares over the holders (SLIP-39) -----
def times(a: int, b: int, field: int = 0x11D) -> int:
    """The product of polynomials over GF(2) modulo `field`."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = a << 1 ^ (field if a & 0x80 else 0), b >> 1
    return product

def inverse(a: int, field: int = 0x11D) -> int:
    """1 / a."""
    return next(b for b in range(1, 256) if times(a, b, field) == 1)

def scaled(column: bytes, factor: int) -> bytes:
    """Factor times column, byte by byte."""
    return column.translate(bytes(times(byte, factor) for byte in range(256)))

def added(one: bytes, other: bytes) -> bytes:
    """The sum, byte by byte."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")

def data_columns(blocks: dict[int, bytes], k: int) -> list[bytes]:
    """5.4, 5.5: the k data columns of a stripe from any k of its columns, by Gauss and Jordan. A line is the
    factors that a column was made with, and the column; step by step the factors become the identity."""
    rows = [bytes(i == j if i < k else inverse(i ^ j) for j in range(k)) for i in blocks]
    lines = [*zip(rows, blocks.values(), strict=True)]
    for step in range(k):
        pivot = next(i for i in range(step, k) if lines[i][0][step])
        lines[step], lines[pivot] = lines[pivot], lines[step]
        row, column = (scaled(part, inverse(lines[step][0][step])) for part in lines[step])
        lines[step] = row, column
        for i, (other, sum_) in enumerate(lines):
            if i != step and (factor := other[step]):
                lines[i] = added(other, scaled(row, factor)), added(sum_, scaled(column, factor))
    return [column for _, column in lines]

def seed_from_shares(mnemonics: list[str]) -> bytes:
    """10.1, SLIP-39: from exactly k shares. The policy vouches for every word, so no checksum is needed."""
    points, secret = {}, bytes(32)
    for mnemonic in mnemonics:
        bits = "".join(f"{WORDS.index(word[:4]):010b}" for word in mnemonic.split(" "))
        points[int(bits[32:36], 2)] = int(bits[44:300], 2).to_bytes(32, "big")
    for i, value in points.items():
        factor = 1  # Lagrange at x = 255, in the field of 0x11B
        for j in set(points) - {i}:
            factor = times(factor, times(255 ^ j, inverse(i ^ j, 0x11B), 0x11B), 0x11B)
        secret = added(secret, bytes(times(byte, factor, 0x11B) for byte in value))
    for step in (3, 2, 1, 0):  # SLIP-39's encryption, under the empty passphrase
        mask = hashlib.pbkdf2_hmac("sha256", bytes([step]), secret[16:], 2500, 16)
        secret = secret[16:] + added(secret[:16], mask)
    return secret[16:] + secret[:16]

# Signatures, policy and tokens (sections 9, 10 and 11) -----------------------------------------------------
def holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature does."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True

def string(data: bytes) -> bytes:
    """9.1."""
    return len(data).to_bytes(4, "big") + data

def holder_signed(path: Path, key: bytes, text: bytes) -> bool:
    """9.3: whether a file is this holder's SSHSIG over this policy, whose form is fixed."""
    about = string(b"iwato-policy@v1") + string(b"") + string(b"sha512")
    try:
        begin, *body, end, rest = read_file(path).decode().split("\n")
        demand(begin + end + rest == "-----BEGIN SSH SIGNATURE----------END SSH SIGNATURE-----", "no SSHSIG")
        blob, kind = unbase64("".join(body)), string(b"ssh-ed25519")
        inner = blob[-64:]
        whole = b"SSHSIG\0\0\0\1" + string(kind + string(key)) + about + string(kind + string(inner))
        good = holds(key, inner, b"SSHSIG" + about + string(hashlib.sha512(text).digest()))
        demand(blob == whole and good, "the signature does not hold")
    except BROKEN as error:
        finding(f"{path} is left out: {error}")
        return False
    return True

def read_note(path: Path, *signers: tuple[str, int, bytes]) -> bytes:
    """9.4, 9.5, 9.7: the text of a note that each of (name, kind of key, key) signed."""
    text, _, signatures = read_file(path).decode().rpartition("\n\n")
    message, lines = text.encode() + b"\n", signatures.removesuffix("\n").split("\n")
    for name, kind, key in signers:
        key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]
        own = [unbase64(line.removeprefix(f"— {name} ")) for line in lines if line.startswith(f"— {name} ")]
        (raw,) = [raw for raw in own if raw[:4] == key_id]
        stamp = b"cosignature/v1\ntime %d\n" % int.from_bytes(raw[4:-64], "big") if kind == 4 else b""
        demand(holds(key, raw[-64:], stamp + message), f"the signature of {name} does not hold")
    return message

def read_token(folder: Path) -> Facts:
    """10.3: what a token says about itself."""
    facts = read_facts(read_file(folder / "token.txt"), b"iwato-token 1\n")
    return Facts(folder=folder, holder=int(facts["holder"][0]), key=unbase64(facts["ssh"][0][12:])[-32:])

def read_policy(text: bytes) -> Facts:
    """11.2: as far as a reader needs it."""
    facts = read_facts(text, b"iwato-policy ")
    name = f"iwato/{facts['vault-id'][0]}"
    log, witness = (unbase64(facts[who][0].removeprefix("ed25519:")) for who in ("log", "witness"))
    generation, _, recipient = facts["generation"][-1].partition(" vault=sha256:")
    return Facts(
        hash=hashlib.sha256(text).hexdigest(), vault=facts["vault-id"],
        quorum=int(facts["quorum"][0].split(" ")[0]), generation=generation, recipient=recipient,
        log=(name, 1, log), witness=(name + "/witness", 4, witness),
        keys=[unbase64(line.split(" ")[1].removeprefix("ssh=ssh-ed25519:")) for line in facts["holder"]],
        shares=[line.rpartition(" share=sha256:")[2] for line in facts["holder"]],
    )  # fmt: skip

def choose_policy(drives: list[Path], tokens: list[Facts]) -> Facts:
    """11.3: the newest policy that k of its holders signed and that names the keys of the tokens at hand."""
    paths = (path for drive in drives for path in drive.glob("policy/policy-*.txt"))
    for path in sorted(paths, key=lambda path: (len(path.name), path.name), reverse=True):
        try:
            text, signers = read_file(path), set()
            policy = read_policy(text)
            for number, key in enumerate(policy.keys, 1):
                files = [drive / "policy" / f"{path.stem}.{number}.sig" for drive in drives]
                signers |= {key for file in files if file.exists() and holder_signed(file, key, text)}
            demand(len(signers) >= policy.quorum > 1, f"only {len(signers)} holders signed it")
            known = all(policy.keys[token.holder - 1] == token.key for token in tokens)
            demand(known, "it does not name the keys of these tokens")
            return policy
        except BROKEN as error:
            finding(f"{path} is left out: {error}")
    raise Refused("no policy on these drives can be used with these tokens")

def read_share(token: Facts, policy: Facts) -> str:
    """10.1-10.3: the words of a token's share, compared with what the holders signed."""
    beside = token.folder / "passphrase.txt"
    asked = f"Passphrase of holder {token.holder} ({token.folder}): "
    phrase = (read_file(beside).decode() if beside.exists() else getpass.getpass(asked)).strip()
    sealed = read_file(token.folder / "identity.age")
    secrets = open_age(sealed, lambda words, body: passphrase_key(phrase, words, body))
    keys = read_facts(secrets, b"iwato-token-keys 1\n")
    letters = keys["unseal"][0].removeprefix("AGE-SECRET-KEY-PQ-1")[:-6]  # 2.2: 5 bits each, then a checksum
    bits = "".join(f"{'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'.index(letter):05b}" for letter in letters)
    sealed = read_file(token.folder / f"share-{policy.generation}.age")
    own = Identity(int(bits[:256], 2).to_bytes(32, "big"))
    words = read_facts(open_age(sealed, own.file_key), b"iwato-share 1\n")["words"][0]
    committed = hashlib.sha256(words.encode()).hexdigest() == policy.shares[token.holder - 1]
    demand(committed, f"{token.folder}: its share is not the one that the holders signed for")
    return words

def vault_key(tokens: list[Facts], policy: Facts) -> Identity:
    """10.4: from the tokens of k holders."""
    holders, needed = {token.holder: token for token in tokens}, policy.quorum
    demand(len(holders) >= needed, f"tokens of {needed} holders are needed, {len(holders)} are here")
    shares = [read_share(token, policy) for token in [*holders.values()][:needed]]
    identity = Identity(seed_from_shares(shares))
    demand(identity.fingerprint == policy.recipient, "the shares give another key than the vault's")
    return identity

# Drives and ledger (sections 6 and 7) ----------------------------------------------------------------------
def read_drives(folders: list[Path], policy: Facts) -> Facts:
    """6.1, 6.2: the drives of one set by their number. Any k of the n are enough."""
    sets: dict[str, dict[int, list[Path]]] = {}
    for folder in folders:
        try:
            facts = read_facts(read_note(folder / "IWATO-DRIVE", policy.log), b"iwato-drive 1\n")
            demand(facts["vault"] == policy.vault, "it is of another vault")
            geometry = " ".join(facts[name][0] for name in ("drives", "set", "generation"))
            sets.setdefault(geometry, {}).setdefault(int(facts["index"][0]), []).append(folder)
        except BROKEN as error:
            finding(f"drive {folder} is left out: {error}")
    demand(len(sets) == 1, f"these are drives of {len(sets)} sets; give those of one")
    ((geometry, members),) = sets.items()
    for index in [index for index in members if len(members[index]) > 1]:
        finding(f"several drives say that they are number {index}, all left out: {members.pop(index)}")
    k, parity = (int(number) for number in geometry.split(" ")[0].split("+"))
    return Facts(k=k, n=k + parity, folders={index: folder for index, (folder,) in sorted(members.items())})

def sha256(*parts: bytes) -> bytes:
    """Over the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()

def root_of(edge: tuple[bytes, ...]) -> bytes:
    """7.1: the root of the tree whose full subtrees, largest first, have these hashes."""
    node = edge[-1] if edge else sha256()
    for left in edge[-2::-1]:
        node = sha256(b"\1", left, node)
    return node

def read_segment(data: bytes) -> tuple[int, bytes, list[tuple[int, bytes]]]:
    """7.3: the number of the first entry, the root before it, and the records."""
    at = Cursor(data[:-32])
    whole = blake3(at.data).digest() == data[-32:] and at.take(24) == b"iwato-ledger-segment v1\n"
    demand(whole, "it is no whole segment")
    first, count, _edition = at.numbers("QIH")
    before = at.take(32)
    headings = (at.numbers("BI") for _ in range(count))
    return first, before, [(kind, at.take(length)) for kind, length in headings]

def read_history(folders: list[Path], policy: Facts) -> list[bytes]:
    """7.1, 7.4, 7.5: the entries of the one history that leads to the newest checkpoint, newest first."""
    segments, heads = [], set()
    for path in (path for folder in folders for path in sorted(folder.glob("[cl]*/[0-9]*"))):
        try:
            if path.suffix == ".seg":
                segments.append(read_segment(read_file(path, SEGMENT_MAX)))
            else:
                origin, count, root = read_note(path, policy.log, policy.witness).decode().splitlines()
                demand(origin == policy.log[0], "it is of another log")
                heads.add((int(count), unbase64(root)))
        except BROKEN as error:
            finding(f"{path} is left out: {error}")
    # Every tree (size, root) that segments lead to: its edge, the tree before it, its newest entry if known.
    trees: dict[tuple[int, bytes], tuple[Any, Any, bytes]] = {(0, sha256()): ((), None, b"")}
    for first, before, records in sorted(segments, key=lambda segment: segment[0]):
        here = (first, before)
        for kind, payload in records if here in trees else []:
            edge, node, size = trees[here][0], payload if kind == 2 else sha256(b"\0", payload), here[0]
            while size & 1:
                edge, node, size = edge[:-1], sha256(b"\1", edge[-1], node), size >> 1
            edge, parent, here = (*edge, node), here, (here[0] + 1, root_of((*edge, node)))
            if kind == 1 or here not in trees:
                trees[here] = (edge, parent, payload if kind == 1 else b"")
    demand(heads, "there is no checkpoint that box and witness signed")
    step, history, entries = max(heads), set(), []
    print(f"The ledger agrees with itself at {step[0]} entries, root {base64.b64encode(step[1]).decode()}.")
    print("Whether there were more, only a checkpoint that was kept outside can tell.")
    while step in trees:
        history.add(step)
        entries.append(trees[step][2])
        step = trees[step][1]
    demand(heads <= history, "TAMPERED: nothing on these drives leads to all the signed checkpoints")
    demand(all(entries[:-1]), "an entry of the ledger is lost")
    return entries[:-1]

def read_ledger(drives: Facts, policy: Facts) -> Facts:
    """6.7, 7.2: size and parity hash of every pack; the entry that names the manifest of every snapshot."""
    packs, snapshots, named = dict[str, tuple[int, str]](), dict[str, Any](), False
    for entry in map(json.loads, reversed(read_history([*drives.folders.values()], policy))):
        named |= entry["kind"] == "policy" and entry["hash"] == policy.hash
        if entry["kind"] == "seal":
            packs |= {pack["id"]: (pack["size"], pack["parity"]) for pack in entry["packs"]}
            snapshots |= {entry["snapshot"]: entry} if entry["segments"] else {}
    demand(named, "the ledger does not name the policy that is on these drives")
    return Facts(packs=packs, snapshots=snapshots, **vars(drives))

# Packs (sections 3 and 5) ----------------------------------------------------------------------------------
def read_footer(vault: Facts, index: int, path: Path, pack: str) -> tuple[list[int], list[bytes]]:
    """5.2, 5.7, 5.8: lengths of the columns and hashes of all blocks, if the ledger vouches for them."""
    size, parity = vault.packs[pack]
    stripes = -(-size // (vault.k * COLUMN))
    rest = size - (stripes - 1) * vault.k * COLUMN
    columns = [COLUMN] * (stripes - 1) + [-(-rest // (vault.k * 4096)) * 4096]
    length = -(-(92 + 32 * vault.n * stripes + 36) // 4096) * 4096
    footer, made = read_part(path, sum(columns), length + 1), (blake3(), blake3())
    hashes = [footer[at : at + 32] for at in range(92, 92 + 32 * vault.n * stripes, 32)]
    for number, block_hash in enumerate(hashes):
        made[number % vault.n >= vault.k].update(block_hash)
    text = struct.pack(">12sHBBB3xQ", b"IWATO-SHARD\n", 1, vault.k, vault.n - vault.k, index, size)
    text += made[0].digest() + made[1].digest() + b"".join(hashes)
    text = text.ljust(length - 36, b"\0") + length.to_bytes(4, "big")
    named = (made[0].hexdigest(), made[1].hexdigest()) == (pack, parity)
    demand(named and footer == text + blake3(text).digest(), "its footer was changed")
    return columns, hashes

def read_pack(vault: Facts, pack: str, key: Identity) -> bytes:
    """3.1, 5.5, 5.6, 5.8: a pack's plaintext. Every block is compared with its hash, others computed."""
    print(f"reading pack {pack[:16]}", file=sys.stderr)
    demand(0 < vault.packs[pack][0] <= PACK_MAX, f"pack {pack} is too long")
    footer, shards, parts, at = None, [], [], 0
    for index, folder in vault.folders.items():
        for path in sorted(folder.glob(f"shards/{pack[:2]}/{pack}.*")):
            shards.append((index, path))
            try:
                found = read_footer(vault, index, path, pack)
                footer = footer or found
            except BROKEN as error:
                finding(f"{path}: {error}")
    if not footer:
        raise Refused(f"pack {pack} is lost: no shard has a good footer")
    for stripe, length in enumerate(footer[0]):
        good: dict[int, bytes] = {}
        for index, path in shards:
            try:
                block = read_part(path, at, length) if len(good) < vault.k else b""
                whole = blake3(block).digest() == footer[1][stripe * vault.n + index]
                demand(whole or not block, f"block {stripe} is damaged")
                good |= {index: block} if whole else {}
            except BROKEN as error:
                finding(f"{path}: {error}")
        demand(len(good) == vault.k, f"pack {pack} is lost: stripe {stripe} has {len(good)} good blocks")
        parts += data_columns(good, vault.k)
        at += length
    return open_age(b"".join(parts)[: vault.packs[pack][0]], key.file_key)

def expand(frame: bytes, size: int) -> bytes:
    """3.3: one zstd frame that states its content size."""
    demand(zstandard.get_frame_parameters(frame).content_size == size <= RAW_MAX, "a frame of another size")
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(frame, allow_extra_data=False)

def read_chunks(plain: bytes, wanted: list[int]) -> Iterator[tuple[int, bytes]]:
    """3.2-3.4: slots of a data pack, each compared with its hash."""
    at, held, raw = Cursor(plain[-16 - int.from_bytes(plain[-16:-12], "big") : -16]), -1, b""
    version, block_count, slot_count = at.numbers("HII")
    demand(plain.endswith(b"IWATO-PACK1\n") and version == 1, "it is no data pack")
    blocks = [at.numbers("IIB") for _ in range(block_count)]
    begins = [0, *itertools.accumulate(stored for stored, _, _ in blocks)]
    slots = [(*at.numbers("III"), at.take(32)) for _ in range(slot_count)]
    for slot in sorted(wanted):
        number, offset, length, digest = slots[slot]
        if number != held:
            begin, (stored, size, codec), held = begins[number], blocks[number], number
            raw = expand(plain[begin : begin + stored], size) if codec == 1 else plain[begin : begin + stored]
        chunk = raw[offset : offset + length]
        demand(blake3(chunk).digest() == digest, f"chunk {slot} was changed")
        yield slot, chunk

# Manifests (section 4) and restoring -----------------------------------------------------------------------
def read_object(at: Cursor, packs: list[str], source: bytes) -> Facts:
    """4.5, 4.6: one object; its path begins with the source's name. Chunks: pack, slot, length, offset."""
    kind, torn, mode, user, group, seconds, nanoseconds, size, _major, _minor = at.numbers("BBHIIqIQII")
    lengths, chunks, end = at.numbers("HHHI"), [], 0
    path, target = b"/".join([source, at.take(lengths[0])]).removesuffix(b"/"), at.take(lengths[1])
    target = source + b"/" + target if kind == FURTHER else target
    for name in (path, target) if kind == FURTHER else (path,):
        safe = all(0 < len(part) <= 255 and part not in {b".", b".."} for part in name.split(b"/"))
        demand(safe and b"\0" not in name, "a path that leads astray")
    attributes = [(at.take(n), at.take(v)) for n, v in (at.numbers("BI") for _ in range(lengths[2]))]
    for _ in range(lengths[3]):
        offset, count = at.numbers("QI")
        demand(offset >= end, "runs that overlap")
        for pack, slot, length in (at.numbers("III") for _ in range(count)):
            chunks.append((packs[pack], slot, length, offset))
            offset += length
        end = offset
    demand(end <= size and (kind == FILE or not chunks), "content behind the end of a file")
    return Facts(kind=kind, torn=torn, mode=mode, owner=(user, group), time_ns=seconds * 10**9 + nanoseconds,
                 size=size, path=path, target=target, attributes=attributes, chunks=chunks)  # fmt: skip

def read_manifest(vault: Facts, key: Identity, seal: dict[str, Any]) -> list[Facts]:
    """4.1-4.4, 4.7: all objects of a snapshot; parents before children, further names and links last."""
    objects, ends = [], {source["name"].encode(): (0, 0) for source in seal["sources"]}
    for pack in seal["segments"]:
        at, frames, packs = Cursor(read_pack(vault, pack, key)), list[bytes](), list[str]()
        demand(at.take(16) == b"IWATO-MANIFEST1\n", "it is no manifest")
        while (lengths := at.numbers("II")) != (0, 0) and len(frames) * COLUMN < RECORDS_MAX:
            frames.append(expand(at.take(lengths[0]), lengths[1]))
        at = Cursor(b"".join(frames))
        tag, _, version, window, _begin, number, length = at.numbers("BIHQQIB")
        source = at.take(length)
        expected = (1, 1, seal["window"], ends[source][0])
        demand((tag, version, window, number) == expected, "a segment of the manifest is missing")
        while (record := at.numbers("BI"))[0] != 4:
            body = Cursor(at.take(record[1]))
            if record[0] == 2:
                packs.append(body.data.hex())
            else:
                objects.append(read_object(body, packs, source))
        ends[source] = number + 1, at.numbers("B")[0]
    for source in [source for source, (_, end) in ends.items() if not end]:
        finding(f"source {source.decode()} is incomplete in this snapshot")
    return sorted(objects, key=lambda one: (one.kind != DIRECTORY, one.kind == SYMLINK, one.kind, one.path))

def write_chunks(vault: Facts, key: Identity, files: list[Facts], top: bytes) -> set[bytes]:
    """Puts all chunks of all files in place, one pack after the other. The paths of files that lack some."""
    plan: dict[str, dict[int, list[tuple[bytes, int, int]]]] = {}
    for one in files:
        for pack, slot, length, offset in one.chunks:
            plan.setdefault(pack, {}).setdefault(slot, []).append((one.path, offset, length))
    for pack, slots in plan.items():
        try:
            for slot, chunk in read_chunks(read_pack(vault, pack, key), [*slots]):
                demand({len(chunk)} == {place[2] for place in slots[slot]}, f"chunk {slot}: another length")
                for path, offset, _ in slots.pop(slot):  # what is left in the plan is lacking
                    with open(top + path, "r+b") as file:
                        file.seek(offset)
                        file.write(chunk)
        except DAMAGED as error:
            finding(f"pack {pack}: {error}")
    return {path for slots in plan.values() for places in slots.values() for path, _, _ in places}

def create(one: Facts, top: bytes) -> None:
    """Makes an object under its name, which must be new."""
    if one.kind == DIRECTORY:
        os.mkdir(top + one.path, 0o700)
    elif one.kind == FILE:
        with open(top + one.path, "xb") as file:
            file.truncate(one.size)
    elif one.kind == SYMLINK:
        os.symlink(one.target, top + one.path)
    elif one.kind == FURTHER:
        os.link(top + one.target, top + one.path)
    else:
        demand(one.kind == FIFO, "devices are not made")
        os.mkfifo(top + one.path)

def dress(one: Facts, path: bytes) -> None:
    """Attributes, owner (as root only), mode without setuid and setgid, time."""
    for name, value in one.attributes:
        try:
            demand(name != b"security.capability", "it would give a program more rights")
            os.setxattr(path, name, value, follow_symlinks=False)
        except (Refused, OSError, AttributeError) as error:  # macOS has no such call
            finding(f"attribute {os.fsdecode(name)} of {os.fsdecode(path)} is not restored: {error}")
    if os.geteuid() == 0:
        os.chown(path, *one.owner, follow_symlinks=False)
    if one.kind != SYMLINK:
        os.chmod(path, one.mode & 0o1777)
    if one.mode & 0o6000:
        finding(f"setuid or setgid of {os.fsdecode(path)} is not restored")
    os.utime(path, ns=(one.time_ns, one.time_ns), follow_symlinks=False)

def restore(vault: Facts, key: Identity, snapshot: str, target: Path) -> None:
    """Nothing leaves the new directory: every parent is a directory of the manifest, and symbolic links are
    made last, when nothing is written any more."""
    objects = read_manifest(vault, key, vault.snapshots[snapshot])
    target.mkdir(mode=0o700)
    top, directories, made = os.fsencode(target) + b"/", {b""}, []
    for one in objects:
        try:
            demand(os.path.dirname(one.path) in directories, "its parent is no directory of the snapshot")
            create(one, top)
            directories |= {one.path} if one.kind == DIRECTORY else set()
            made.append(one)
        except (Refused, OSError) as error:
            finding(f"not restored: {os.fsdecode(one.path)}: {error}")
    lacking = write_chunks(vault, key, [one for one in made if one.kind == FILE], top)
    for one in reversed(made):
        try:
            if {one.path, one.target} & lacking and one.kind != SYMLINK:
                os.unlink(top + one.path)  # 1.5: nothing is left of a damaged file
                finding(f"not restored: {os.fsdecode(one.path)}: a pack that it needs is damaged")
                continue
            dress(one, top + one.path)
            if one.torn:
                finding(f"{os.fsdecode(one.path)} changed while it was backed up and may be inconsistent")
        except OSError as error:
            finding(f"metadata of {os.fsdecode(one.path)}: {error}")
    print(f"{len(made)} objects of snapshot {snapshot} are in {target}.")

def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Restores an Iwato vault from its drives and k tokens.")
    parser.add_argument("drives", nargs="+", type=Path, metavar="DRIVE_DIR")
    parser.add_argument("--token", nargs="+", type=Path, action="extend", default=[], metavar="TOKEN_DIR")
    parser.add_argument("--target", type=Path, metavar="NEW_DIR")
    parser.add_argument("--snapshot", metavar="ID", help="instead of the newest complete one")
    parser.add_argument("--list", action="store_true", help="only show the snapshots; tokens are not needed")
    chosen = parser.parse_args()
    try:
        tokens = [read_token(folder) for folder in chosen.token]
        policy = choose_policy(chosen.drives, tokens)
        vault = read_ledger(read_drives(chosen.drives, policy), policy)
        for name, seal in vault.snapshots.items():
            print(name, "complete" if seal["complete"] else "INCOMPLETE")
            for source in seal["sources"]:
                print(f"    {source['name']}: {source['files']} files, {source['bytes']} bytes")
        if not chosen.list:
            whole = [name for name, seal in vault.snapshots.items() if seal["complete"]]
            snapshot = chosen.snapshot or (whole or [*vault.snapshots] or [""])[-1]
            demand(chosen.target and snapshot in vault.snapshots, "give --target and a listed snapshot")
            restore(vault, vault_key(tokens, policy), snapshot, chosen.target)
    except BROKEN as error:
        finding(f"STOPPED: {error}")
    print(*FINDINGS, sep="\n", end="\n" * bool(FINDINGS), file=sys.stderr)
    return (1 if FINDINGS[-1].startswith("STOPPED") else 3) if FINDINGS else 0

# SLIP-39's words by their first four letters: two that a group shares, then the other two of each word.
WORD_GROUPS = """
acadidnequrotitr adapeqjumiorulvavo afra agaienre aidercrlrp ajar alarbucoieivphretoumwa amazbiouus
analatcecigegrimswtexi apar aqua arcaengumetitw aspe auctgunt averiaoi awaray axisle
beamaravcodrhainlilonestyo bikeolrtsh blacanesiminue bodyltrirnthun bracanaveaieokotow
buckdgillblgmpndrdrnsyye cagelcmempnypapiptrbrdrergrprvteus ceilntra chamanarecemesewub cinevi
clasayeaieiminocogosotubus coalasdilumprnstunurvewb cradafazedicimisitowucunusys cubiltrirlst cyli
daismancrktaug deadalbrbuceciclcocrlimansnypapepiplscsesisksttatevivo diagctetleminiplsascseshsmspstvevo
documamemiugwn dragameaesifinovugye duckkera dwar dyna earlrtsesy echoliol edgeituc eith elbodeecegemepevitse
emaierispephplpt endidldoemerfogajolatrvevy epidis equaui erasod escatati evalenidilok
exacamcechclcuecerhaotpapeplprtetr eyeb facictilinkelsmimoncngnttativown fibectltnandngrermscshtn
flamasaveaexipoaoruf focurbrcrergrmrtrwun fracageqesiaidieosotoz fumendrlse galamerbrdrlsoth geneninrnuolst
gladanasenim goatld gradanasavayeaieilinocosouowum guaresilitms hairmsndngrvvevowkza headalaratlprardsi
hobolilymermspur hugemamintsbshsk hybr ideaenle imagpaplprpu inclcocrdedidufafohejumasesisttetivavo iris
islaol item ivor jack jerkwe join judiicmpncninkryst kernyb kidnndtc knifit ladedldyirmpngrgseunws
leadafaravctgagegsndngve libebrceftkelalypsqustteviza loanbecasiudya lucknancngxu lyinri
machgaidilinkekimanandnsnurarcrkrvsotethxiyo meandadimbmontrcrithtr midsldlineniraxext
mobidediismernrtthunusve muchleltscsesist nailti neckgarvtwws nuclmbme nylo oasi obesjeseta ocea ofte olym
omit oralanbidediga ounc ovener owne pacecickidinjancntpapercrkrttetrymyr peacanascanancrcrfrmti phanarotrays
pickcteclenkpesttc plaianasatayeaotun pracayeaedegemepesevieimioisivizobocofogomosovun publlsmpninyparcrp
pyth quanaricie racecidailinisndnkpisp reacalbobucacecogrgujelamemimondpapeplquscsesispsutatrunveviwa rhymyt
richvave robickmampstunya ruinlemo sackfalalolttitoveys scanaratenhoieourareriro seafascrcugmni
shadafamaparelerorouri sidelelvmimpngst skinun slapavedicimowus smareaeliritokug snakapif sociftldluulur
spacareaecelenewidiliniritrari squaue stadafanaratayeaepicilorrariyl subjbmgaitnlperfrprv sweaiminit
symbmpndst tackctdpleskstugxi teacamasmpnandnsrmstxt thanateaeoerorreumun tickdymbmeng tofugeletaxi
tracafaianasaveaeniaicipiuouueus twicin typepi ugly ulti umbr uncodefafohaioivkiknuswr upgrst userheua
valilumpniri vegalvntrdrirytexe victdeewntolrasisuta vocaicluteti walnrmrntcvy wealapbclclfst
widtldndneresdthts wolfmarkrt wrapisitot yearlp yiel yoga zero
"""
WORDS = [group[:2] + group[i : i + 2] for group in WORD_GROUPS.split() for i in range(2, len(group), 2)]

if __name__ == "__main__":
    sys.exit(main())
