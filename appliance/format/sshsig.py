"""SSHSIG: holders' signatures over texts, in the file format of `ssh-keygen -Y`. FORMAT 9.3.

Holds no private key: whoever signs is a callable over the bytes to be signed, giving a raw 64-byte
signature. Knows no policy: who may sign what is custody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from appliance.errors import SignatureInvalid, SignatureMalformed
from appliance.format import base64_text
from appliance.format.ssh_key import SshKey
from appliance.format.ssh_wire import Reader, string

Signer: TypeAlias = Callable[[bytes], bytes]

MAGIC = b"SSHSIG"
VERSION = 1
HASH = b"sha512"  # the interlock rebuilds the blob with this one; ssh-keygen's default
BEGIN = "-----BEGIN SSH SIGNATURE-----"
END = "-----END SSH SIGNATURE-----"
ARMOR_CHARS = 70  # characters per line; what ssh-keygen writes, the last line may be shorter
ARMORED_CHARS_MAX = 8192  # characters; a P-256 signature takes some 450


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A parsed signature, not yet verified. `raw` has 64 bytes."""

    key: SshKey
    namespace: str
    raw: bytes

    def verify(self, message: bytes, namespace: str) -> SshKey:
        """The key that signed `message` for `namespace`; SignatureInvalid if it did not. Whether that
        key may is the caller's question."""
        if self.namespace != namespace:
            raise SignatureInvalid(detail=f"it was made for {self.namespace!r}, not for {namespace!r}")
        self.key.verify(self.raw, to_be_signed(message, namespace))
        return self.key

    def encode(self) -> bytes:
        """The binary form."""
        fields = (self.key.blob(), self.namespace.encode("ascii"), b"", HASH)
        wire = self.key.wire_signature(self.raw)
        return MAGIC + VERSION.to_bytes(4, "big") + b"".join(map(string, (*fields, wire)))

    def armor(self) -> str:
        """The text of a `.sig` file."""
        text = base64_text.encode(self.encode())
        lines = [text[start : start + ARMOR_CHARS] for start in range(0, len(text), ARMOR_CHARS)]
        return "\n".join([BEGIN, *lines, END, ""])


def to_be_signed(message: bytes, namespace: str) -> bytes:
    """The bytes under the signature. The namespace keeps a signature from being used for another purpose."""
    digest = hashlib.sha512(message).digest()
    return MAGIC + b"".join(map(string, (_namespace(namespace), b"", HASH, digest)))


def sign(signer: Signer, key: SshKey, namespace: str, message: bytes) -> Signature:
    """Sign, and verify before giving away: a token that answers for another key is found here."""
    signature = Signature(key=key, namespace=namespace, raw=bytes(signer(to_be_signed(message, namespace))))
    signature.verify(message, namespace)
    return signature


def parse(armored: str) -> Signature:
    """From the text of a `.sig` file. SignatureMalformed unless it is written exactly so."""
    if len(armored) > ARMORED_CHARS_MAX:
        raise SignatureMalformed(detail=f"{len(armored)} characters")
    signature = decode(_dearmor(armored))
    if signature.armor() != armored:
        raise SignatureMalformed(detail="a second spelling")
    return signature


def decode(blob: bytes) -> Signature:
    """From the binary form."""
    reader = Reader(blob)
    if reader.take(len(MAGIC)) != MAGIC or reader.number() != VERSION:
        raise SignatureMalformed(detail="not an SSHSIG of version 1")
    key = SshKey.from_blob(reader.string())
    namespace = reader.string().decode("ascii", "replace")
    reserved, hash_name, wire = reader.string(), reader.string(), reader.string()
    reader.end()
    _namespace(namespace)
    if reserved or hash_name != HASH:
        raise SignatureMalformed(detail="the hash is not sha512, or the reserved field is in use")
    return Signature(key=key, namespace=namespace, raw=key.raw_signature(wire))


def verify(armored: str, message: bytes, namespace: str, key: SshKey) -> None:
    """SignatureInvalid unless exactly `key` signed `message` for `namespace`."""
    if parse(armored).verify(message, namespace) != key:
        raise SignatureInvalid(detail=f"it is not a signature of {key.fingerprint()}")


def allowed_signers(keys: Iterable[tuple[str, SshKey]], namespaces: Iterable[str]) -> str:
    """The file that lets anybody check with `ssh-keygen -Y verify -f FILE -I NAME -n NAMESPACE`."""
    joined = ",".join(_namespace(namespace).decode("ascii") for namespace in namespaces)
    return "".join(f'{_principal(name)} namespaces="{joined}" {key.line()}\n' for name, key in keys)


def _namespace(namespace: str) -> bytes:
    if not namespace or not all("!" <= letter <= "~" and letter not in ',"*?' for letter in namespace):
        raise SignatureMalformed(detail="a namespace is empty or holds a character that it may not")
    return namespace.encode("ascii")


def _principal(name: str) -> str:
    plain = all("!" <= letter <= "~" and letter not in ',"*?' for letter in name)
    if not name or name[0] in "#!" or not plain:
        raise SignatureMalformed(detail="a signer's name is empty or holds a character that it may not")
    return name


def _dearmor(armored: str) -> bytes:
    lines = armored.split("\n")
    if lines[0] != BEGIN or lines[-2:] != [END, ""]:
        raise SignatureMalformed(detail="its first or last line")
    try:
        return base64_text.decode("".join(lines[1:-2]))
    except ValueError as error:
        raise SignatureMalformed(detail=str(error)) from None
