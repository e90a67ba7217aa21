"""What holders signed over checkpoints at ceremonies, as files of the controller's state.

`countersigned/<entries, 16 digits>.<holder>.sig` is an SSHSIG over the checkpoint's text, three lines, in the
namespace `iwato-checkpoint@v1`. Whether the key is a holder's only the policy tells. FORMAT 7.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

from appliance.custody.votes import CHECKPOINT_NAMESPACE
from appliance.domain.ids import HolderNumber
from appliance.errors import SignatureInvalid, SignatureMalformed
from appliance.format import checkpoint, note, sshsig
from appliance.ports import Files

FOLDER = "countersigned"
FILES_MAX = 4096  # 16 holders at 256 ceremonies
_NAME = re.compile(r"([0-9]{16})\.([1-9][0-9]?)\.sig")


def path(size: int, holder: HolderNumber) -> str:
    """Where one lies."""
    return f"{FOLDER}/{size:016d}.{holder}.sig"


def of_notes(files: Files, notes: Iterable[bytes]) -> Mapping[bytes, list[tuple[int, bytes]]]:
    """(holder, raw signature) by the note that it is on; what fits no note is left out."""
    by_size: dict[int, list[tuple[int, sshsig.Signature]]] = {}
    with suppress(OSError):
        for name in sorted(files.names(FOLDER))[-FILES_MAX:]:
            named = _NAME.fullmatch(name)
            if named:
                with suppress(OSError, ValueError, SignatureMalformed):
                    armored = files.read(f"{FOLDER}/{name}", sshsig.ARMORED_CHARS_MAX).decode("ascii")
                    by_size.setdefault(int(named[1]), []).append((int(named[2]), sshsig.parse(armored)))
    found: dict[bytes, list[tuple[int, bytes]]] = {}
    for data in notes if by_size else ():
        with suppress(SignatureMalformed):
            text = note.parse(data).text
            for holder, signed in by_size.get(checkpoint.parse(text).size, ()):
                with suppress(SignatureInvalid):
                    signed.verify(text.encode("utf-8"), CHECKPOINT_NAMESPACE)
                    found.setdefault(data, []).append((holder, signed.raw))
    return found
