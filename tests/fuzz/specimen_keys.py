"""The fixed keys and names of the fuzz targets and of their seeds."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.adapters.scan_record import ScanRecord
from appliance.domain.geometry import Geometry
from appliance.domain.ids import PackId, SourceName
from appliance.format.age_recipient import Identity

IDENTITY = Identity.from_seed(hashlib.sha256(b"the fuzz targets' vault").digest())
PASSPHRASE = "academic-acid-acne-acquire-acrobat-activity-actress-adapt"
MAC_KEY, CONTEXT = b"k" * 32, b"which file"
SCANNED = ScanRecord(read_to=9, runs=((0, ((1, 2, 3),)),))
PACK = PackId(bytes(range(32)))
HOLDER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FOUR_TWO = Geometry(data=4, parity=2, write_quorum=5)
DOCS = SourceName("docs")
Made = dict[str, list[bytes]]
