"""Which disks a job may have mounted: by their signed header, before anything else of them is believed."""

from __future__ import annotations

from collections.abc import Callable

from appliance.adapters.block_drives import Judge
from appliance.compose.job import AnyJob, PrepareJob, RepairJob
from appliance.domain.ids import VaultId
from appliance.errors import SignatureInvalid, SignatureMalformed
from appliance.format import drive_header, note
from appliance.format.drive_header import DriveHeader
from appliance.format.note import Note
from appliance.format.note_key import NoteKey


def of(log_key: NoteKey, vault: VaultId, job: AnyJob) -> Judge:
    """Drives of this vault; blank disks for those jobs that make drives of them."""

    def is_ours(signed: Note, header: DriveHeader) -> bool:
        log_key.verify(signed)
        return header.set.vault == vault

    return Judge(is_ours=_checked(is_ours), blank_too=isinstance(job, PrepareJob | RepairJob))


def by_form() -> Judge:
    """For a controller that has lost its policy, and with it every key: whatever calls itself a drive. What
    it then reads of the drives is settled by the interlock's hash of the policy."""
    return Judge(is_ours=_checked(lambda _signed, _header: True))


def _checked(rest: Callable[[Note, DriveHeader], bool]) -> Callable[[bytes], bool]:
    def is_ours(content: bytes) -> bool:
        if len(content) > drive_header.HEADER_BYTES_MAX:
            return False
        try:
            signed = note.parse(content)
            return rest(signed, drive_header.parse(signed.text))
        except (SignatureInvalid, SignatureMalformed, ValueError):
            return False

    return is_ours
