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


# 2xxx -----------------------------------------------------------------------------------------------


class InterlockSilent(HardwareError):
    """No valid answer from the interlock in time."""

    code = "IW-2001"
    what = N_("the interlock does not answer")
    remedy = N_("The box stays ISOLATED. Check its serial cable and power; then switch the box off and on.")


class InterlockRefused(HardwareError):
    """The interlock refused a phase, a policy or an order; `cause` says why."""

    code = "IW-2002"
    what = N_("the interlock refused {request}: {cause}")
    remedy = N_("Nothing was connected. Wait for the next window, or change the policy with the holders.")
    exit_status = EXIT_REFUSED


class ConnectionUnexplained(HardwareError):
    """The link or a drive is measured live without an order."""

    code = "IW-2003"
    what = N_("a line is measured CONNECTED that nobody ordered: {line}")
    remedy = N_("Pull the network cable now, press CUT, and call the administrator.")
    exit_status = EXIT_EMERGENCY


class PhaseCut(HardwareError):
    """The interlock ended the phase before the work was done."""

    code = "IW-2004"
    what = N_("the interlock ended {phase} before the work was done: {cause}")
    remedy = N_("Nothing committed is lost. The work goes on in the next window.")
    exit_status = EXIT_WARNINGS


# 3xxx -----------------------------------------------------------------------------------------------


class DrivesTooFew(VaultError):
    """Fewer usable drives of this vault than are needed."""

    code = "IW-3001"
    what = N_("{present} of the {needed} drives that are needed are here (set of {total})")
    remedy = N_("Put the missing drives of this vault into their bays and repeat the command.")


# 6xxx -----------------------------------------------------------------------------------------------


class NetworkLost(IntakeError):
    """The link does not carry (any more)."""

    code = "IW-6001"
    what = N_("the network link does not carry: source {source} cannot be reached")
    remedy = N_("What was pulled is kept. The next window goes on from there.")


class SourceMissing(IntakeError):
    """A source of the policy is not there."""

    code = "IW-6002"
    what = N_("source {source} is missing or cannot be read: {reason}")
    remedy = N_("Check the source. The other sources were pulled.")
