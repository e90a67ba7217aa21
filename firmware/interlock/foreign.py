"""The foreign C of the firmware: which files of BearSSL and Monocypher are needed, and how they get here.

`fetch.sh` pins both by SHA-256. Nothing of it is committed, and none of our warnings are for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / "build" / "third-party"
# What P-256 verification and SHA-2 need of BearSSL.
_EC = ("ec_p256_m15", "ec_secp256r1", "ec_secp384r1", "ec_secp521r1", "ecdsa_i15_bits", "ecdsa_i15_vrfy_raw")
_CODEC = ("ccopy", "dec32be", "dec32le", "dec64be", "enc32be", "enc64be", "enc32le")
_INT = (
    *("i15_add", "i15_bitlen", "i15_decmod", "i15_decode", "i15_decred", "i15_encode", "i15_fmont"),
    *("i15_iszero", "i15_modpow", "i15_montmul", "i15_muladd", "i15_ninv15", "i15_rshift", "i15_sub"),
    *("i15_tmont", "i32_div32"),
)
BEARSSL = (
    *(f"ec/{name}" for name in _EC),
    *("hash/sha2big", "hash/sha2small"),
    *(f"codec/{name}" for name in _CODEC),
    *(f"int/{name}" for name in _INT),
)
INCLUDES = (f"-isystem{PLACE / 'bearssl' / 'inc'}", f"-isystem{PLACE / 'monocypher'}")
INNER_INCLUDES = (f"-I{PLACE / 'bearssl' / 'inc'}", f"-I{PLACE / 'bearssl' / 'src'}")


def sources() -> list[Path]:
    """Every foreign file that is compiled."""
    bearssl = [PLACE / "bearssl" / "src" / f"{name}.c" for name in BEARSSL]
    return [*bearssl, PLACE / "monocypher" / "monocypher.c"]


@cache
def lacking() -> str:
    """Fetches what is not here yet; why it is not here, or ""."""
    if (PLACE / "complete").is_file():
        return ""
    shell = shutil.which("sh")
    if shell is None or shutil.which("curl") is None:
        return "curl is not installed"
    fetched = subprocess.run(
        [shell, str(HERE / "fetch.sh"), str(PLACE)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    return f"BearSSL or Monocypher cannot be fetched: {fetched.stderr[-120:]}" if fetched.returncode else ""
