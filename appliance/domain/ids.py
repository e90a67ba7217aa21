"""Names of things that are more than a string or a number. Checks nothing: parsers do."""

from typing import NewType

PackId = NewType("PackId", bytes)
"""32 bytes: BLAKE3 over the data-block hashes of the pack (FORMAT 3)."""

VaultId = NewType("VaultId", bytes)
"""16 random bytes, made at birth; printed as lower-case hex."""

SnapshotId = NewType("SnapshotId", str)
"""`YYYYMMDDThhmmssZ-xxxxxxxx`: begin by the interlock's clock and eight hex digits of the content."""

SourceName = NewType("SourceName", str)
"""A source's name in the policy: 1-32 characters of a-z, 0-9, '-' and '_'."""

DriveIndex = NewType("DriveIndex", int)
"""Position 0..n-1 of a drive in its set; also the number of the shards it holds."""

Bay = NewType("Bay", int)
"""1-based place in the case. Says nothing about which drive is in it."""

HolderNumber = NewType("HolderNumber", int)
"""1-based number of a holder in the policy."""
