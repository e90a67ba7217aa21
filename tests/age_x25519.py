"""age's classical X25519 identity, for public vectors and foreign files only: no box has it (FORMAT 2.11)."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import AgeFormatError, AgeKeyMismatch
from appliance.format import age_key, base64_text, bech32
from appliance.format.age_header import Stanza

KIND = "X25519"
INFO = b"age-encryption.org/v1/X25519"
SHARE_BYTES = 32
BODY_BYTES = 32


def _derive(shared: bytes, share: bytes, public: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, share + public, INFO).derive(shared))


class ClassicRecipient:
    def __init__(self, public: bytes) -> None:
        self._public = public

    def wrap(self, file_key: age_key.FileKey) -> Stanza:
        ephemeral = x25519.X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(self._public))
        body = _derive(shared, share, self._public).encrypt(bytes(12), file_key, None)
        return Stanza(kind=KIND, args=(base64_text.encode_raw(share),), body=body)


class ClassicIdentity:
    def __init__(self, text: str) -> None:
        prefix, secret = bech32.decode(text)
        assert prefix == "age-secret-key-"
        self._key = x25519.X25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()

    def unwrap(self, stanzas: Sequence[Stanza]) -> age_key.FileKey:
        for stanza in stanzas:
            if stanza.kind == KIND:
                try:
                    return self._open(stanza)
                except InvalidTag:
                    continue
        raise AgeKeyMismatch

    def _open(self, stanza: Stanza) -> age_key.FileKey:
        if len(stanza.args) != 1 or len(stanza.body) != BODY_BYTES:
            raise AgeFormatError(detail="the X25519 stanza's shape")
        try:
            share = base64_text.decode_raw(stanza.args[0])
            shared = self._key.exchange(x25519.X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise AgeFormatError(detail="the X25519 stanza's share") from None
        return age_key.FileKey(_derive(shared, share, self.public).decrypt(bytes(12), stanza.body, None))
