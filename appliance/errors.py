"""Every error a person can meet, in one tree.

    IwatoError
    ├── OperatorError   1xxx   the person at the box can put it right now
    ├── HardwareError   2xxx   lines, senses, interlock: someone has to look at the box
    ├── VaultError      3xxx   drives, shards, packs, formats
    ├── TrustError      4xxx   policy, ledger, witness: somebody may be lying
    ├── CustodyError    5xxx   holders, tokens, shares
    └── IntakeError     6xxx   sources and staging

Families say *who must act*. Each class has a stable `code` (an anchor in RUNBOOK.md), an English
template of what happened (`what`) and of what to do (`remedy`), and the `exit_status` of the command
that ends with it (50-interface). Templates are filled from `values`; no value is ever a secret.
Values are shown only after escaping, which is the face's work. This file raises nothing.
"""

from __future__ import annotations

from typing import ClassVar

from appliance.words import N_

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_WARNINGS = 3
EXIT_EMERGENCY = 4
EXIT_QUORUM = 5
EXIT_REFUSED = 6
EXIT_LATER = 75
EXIT_INTERRUPTED = 130


class IwatoError(Exception):
    """Base of all errors that reach a person. `values` fill the templates."""

    code: ClassVar[str] = "IW-0000"
    what: ClassVar[str] = N_("an internal error: {detail}")
    remedy: ClassVar[str] = N_("Report this with the output of `iwato status --json`.")
    exit_status: ClassVar[int] = EXIT_FAILED

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(f"{self.code} {self.what.format(**values)}")


class OperatorError(IwatoError):
    """1xxx: the person at the box can put it right now."""


class HardwareError(IwatoError):
    """2xxx: lines, senses, the interlock."""


class VaultError(IwatoError):
    """3xxx: drives, shards, packs and their formats."""


class TrustError(IwatoError):
    """4xxx: policy, ledger, witness."""

    exit_status = EXIT_EMERGENCY


class CustodyError(IwatoError):
    """5xxx: holders, tokens, shares."""

    exit_status = EXIT_QUORUM


class IntakeError(IwatoError):
    """6xxx: sources and staging."""


# 1xxx -----------------------------------------------------------------------------------------------


class UsageError(OperatorError):
    """A word of the command line is not understood or out of its limits."""

    code = "IW-1001"
    what = N_("the command is not understood: {detail}")
    remedy = N_("See `iwato COMMAND --help`.")
    exit_status = EXIT_USAGE


class HomeNotEmpty(OperatorError):
    """`init` on a directory that already holds something."""

    code = "IW-1002"
    what = N_("{path} is not empty")
    remedy = N_("Name a new or empty directory; nothing was changed.")
    exit_status = EXIT_REFUSED


class HomeMissing(OperatorError):
    """A command on a directory that holds no appliance."""

    code = "IW-1003"
    what = N_("{path} does not hold an emulated appliance")
    remedy = N_("Make one with `iwato init --home {path}`, or name another with --home.")
    exit_status = EXIT_USAGE


class HomeBusy(OperatorError):
    """Another command holds the home's lock."""

    code = "IW-1004"
    what = N_("another command is using {path}")
    remedy = N_("Wait until it has ended, then try again.")
    exit_status = EXIT_LATER


class TargetNotEmpty(OperatorError):
    """Restore into a directory that already holds something."""

    code = "IW-1005"
    what = N_("the target {path} is not empty")
    remedy = N_("Name an empty directory, or continue an interrupted restore with --resume.")
    exit_status = EXIT_REFUSED


class SnapshotUnknown(OperatorError):
    """No such snapshot in the ledger."""

    code = "IW-1006"
    what = N_("there is no snapshot {snapshot}")
    remedy = N_("List the snapshots with `iwato copies list`.")


class PathUnsafe(OperatorError):
    """The home, the source and the target lie inside one another or in a system directory."""

    code = "IW-1007"
    what = N_("{inner} lies inside {outer}")
    remedy = N_("Choose places that do not contain one another.")
    exit_status = EXIT_USAGE
