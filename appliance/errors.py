"""Every error a person can meet, in one tree.

    IwatoError
    ├── OperatorError   1xxx   the person at the box can put it right now
    ├── HardwareError   2xxx   lines, senses, interlock: someone has to look at the box
    ├── VaultError      3xxx   drives, shards, packs, formats
    ├── TrustError      4xxx   policy, ledger, witness: somebody may be lying
    ├── CustodyError    5xxx   holders, tokens, shares
    ├── IntakeError     6xxx   sources and staging
    └── DutyError       7xxx   the daemon: what the box owes, and who asks it

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


class DutyError(IwatoError):
    """7xxx: what the daemon owes and could not do, and who asks it."""

    exit_status = EXIT_WARNINGS


# 1xxx -----------------------------------------------------------------------------------------------


class UsageError(OperatorError):
    """A word of the command line is not understood or out of its limits."""

    code = "IW-1001"
    what = N_("the command is not understood: {detail}")
    remedy = N_("See `iwato COMMAND --help`.")
    exit_status = EXIT_USAGE


class ConfigInvalid(OperatorError):
    """The administrator's settings cannot be used."""

    code = "IW-1019"
    what = N_("config.toml:{line}: {detail}")
    remedy = N_("Mend that line or remove it: what is not set has its default, see `iwato config show`.")
    exit_status = EXIT_USAGE


class MachineExposed(OperatorError):
    """Something that should keep others out of the emulated appliance does not."""

    code = "IW-1021"
    what = N_("not everything is closed on this machine: {detail}")
    remedy = N_("Use a newer kernel, or chmod 700 what is named. A bench may go on; real data should not.")
    exit_status = EXIT_WARNINGS


class SwapInUse(OperatorError):
    """A key in memory may be written to the disk."""

    code = "IW-1022"
    what = N_("swap is in use, and this user may not lock memory")
    remedy = N_("Switch swap off (swapoff -a) before a recovery or a birth, or run it as root.")
    exit_status = EXIT_WARNINGS


class RoomShort(OperatorError):
    """A folder has less room than an intake keeps free."""

    code = "IW-1023"
    what = N_("{path} has {free} bytes free, and a window needs {needed}")
    remedy = N_("Make room on that disk, or move the home to a larger one.")
    exit_status = EXIT_WARNINGS


class ParitySlow(OperatorError):
    """No compiled Reed-Solomon library passed its self-test."""

    code = "IW-1024"
    what = N_("parity is computed in plain Python on this {machine}: right, but a hundred times slower")
    remedy = N_("Install the library ISA-L (Debian: libisal2).")
    exit_status = EXIT_WARNINGS


class TerminalPoor(OperatorError):
    """The terminal's encoding lacks letters."""

    code = "IW-1025"
    what = N_("this terminal says {encoding}; Japanese and names of files will look broken")
    remedy = N_("Set a UTF-8 locale, for example LC_ALL=C.UTF-8.")
    exit_status = EXIT_WARNINGS


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


class BirthInterrupted(OperatorError):
    """A home whose `init` was ended from outside: a half-made box, in which nothing was ever committed."""

    code = "IW-1018"
    what = N_("`iwato init` was interrupted in {path}")
    remedy = N_("Remove the directory and repeat `iwato init`. Nothing was ever backed up there.")
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


class TargetUnusable(OperatorError):
    """The restore's target is full or cannot be written."""

    code = "IW-1008"
    what = N_("cannot write to the target {path}: {reason}")
    remedy = N_("Make room or choose another target; an interrupted restore goes on with --resume.")


class TargetTooSmall(OperatorError):
    """The restore's files do not fit into the target's file system."""

    code = "IW-1020"
    what = N_("the target {path} has room for {free} bytes, and {needed} are to be written")
    remedy = N_("Choose a larger target, or restore less with --source or --path.")
    exit_status = EXIT_REFUSED


class DemoFailed(OperatorError):
    """A claim of the demo did not hold."""

    code = "IW-1009"
    what = N_("the demo did not show what it promises: {claim}")
    remedy = N_("This is a defect of Iwato or of this machine. Run it again with --keep and report it.")


class RootkitNotPlanted(OperatorError):
    """A drill's rootkit that nothing would confine."""

    code = "IW-1016"
    what = N_("this kernel has no Landlock: the rootkit was not planted")
    remedy = N_("Run it on Linux 5.13 or newer with Landlock. Everything else was done.")
    exit_status = EXIT_WARNINGS


class DemoSetAside(OperatorError):
    """What in the demo's source could not bear witness."""

    code = "IW-1017"
    what = N_("{count} objects of the source were not compared; the first: {first}")
    remedy = N_("A tree that stays as it is, and that you may read whole, is compared whole.")
    exit_status = EXIT_WARNINGS


class PlaceUnusable(OperatorError):
    """A directory or file that a command needs cannot be used as such."""

    code = "IW-1014"
    what = N_("cannot use {path}: {reason}")
    remedy = N_("Put it right or name another place, then repeat the command.")


class OwnFileMissing(OperatorError):
    """A key or text of the box itself is gone from its home."""

    code = "IW-1015"
    what = N_("the box's own file {path} is missing or damaged")
    remedy = N_("Put it back from a copy of the home, then `iwato rebuild`. Nothing committed is lost.")


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
    remedy = N_("Nothing was connected. `iwato status` shows what is lacking: time, clock or a person.")
    exit_status = EXIT_REFUSED


class ClockLost(HardwareError):
    """The interlock's battery clock stopped or went back."""

    code = "IW-2011"
    what = N_("the interlock's clock has no time that it can trust: no window begins")
    remedy = N_("Nothing is connected. Find out what stopped it; k holders set it with `iwato quorum clock`.")


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


class PowerLost(HardwareError):
    """A scenario took the supply of the whole box away."""

    code = "IW-2009"
    what = N_("the power of the box was cut")
    remedy = N_("Nothing committed is lost. The next command goes on from there.")


class NetworkForeign(HardwareError):
    """Another network than the box's own link carries: a bridge that no relay cuts."""

    code = "IW-2014"
    what = N_("{count} networks carry beside the box's own link")
    remedy = N_("Nothing was connected. Unplug what is not the box's own link; find out who put it there.")
    exit_status = EXIT_EMERGENCY


class InterlockUnborn(HardwareError):
    """The interlock never accepted a policy: there is nothing to rebuild for."""

    code = "IW-2013"
    what = N_("the interlock enforces no policy: it belongs to no vault yet")
    remedy = N_("Use the interlock of this vault. Without it, drives and tokens restore: see their ROSETTA.")


class PinsUnusable(HardwareError):
    """The controller's own pins cannot be had."""

    code = "IW-2120"
    what = N_("the pins of this board cannot be used: {detail}")
    remedy = N_("Is this the board that --board names, and is lgpio installed? No coil was energised.")


class SerialUnusable(HardwareError):
    """There is no serial line to the interlock."""

    code = "IW-2121"
    what = N_("the serial line {path} to the interlock cannot be used: {detail}")
    remedy = N_("Name the device in config.toml, [board] serial, and see that this user may open it.")


class SerialBusy(HardwareError):
    """Another program holds the serial line to the interlock."""

    code = "IW-2122"
    what = N_("another program holds the serial line {path} to the interlock: {detail}")
    remedy = N_("Two programs on one line would speak over each other. Stop the other one first.")
    exit_status = EXIT_LATER


class BoardUnknown(HardwareError):
    """No profile of this name, or one that contradicts itself."""

    code = "IW-2123"
    what = N_("the board {name} cannot be used: {detail}")
    remedy = N_("Name a profile of hw/boards with --board, or in config.toml, [board] name.")
    exit_status = EXIT_USAGE


class ToolMissing(HardwareError):
    """A program of the system that the drives need is not there."""

    code = "IW-2124"
    what = N_("the program {program} is not installed: no drive can be told from a foreign disk")
    remedy = N_("Install the package {package}. No disk was mounted.")


class DiskNotMounted(HardwareError):
    """A disk on a bay's port that is no drive of this vault, or cannot be mounted."""

    code = "IW-2125"
    what = N_("the disk in bay {bay} was not mounted: {detail}")
    remedy = N_("Take it out if it is not the vault's. A blank disk becomes a drive by `iwato drive repair`.")


class StateFailed(HardwareError):
    """The disk of the sealing medium's own state refuses writes or reads."""

    code = "IW-2010"
    what = N_("the box cannot use its own state in seal-state: {detail}")
    remedy = N_("Nothing committed is lost. Make room on the disk that holds it, or replace that disk.")


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
    remedy = N_("Check the source. Every source that is there was pulled.")


class StagingFull(IntakeError):
    """No room for another pack on the staging disk."""

    code = "IW-6003"
    what = N_("staging is full: {free} bytes are left")
    remedy = N_("What was pulled is kept. Sealing makes room; the next window goes on from there.")


class StagingFailed(IntakeError):
    """The staging disk refuses writes or reads."""

    code = "IW-6004"
    what = N_("the staging disk fails: {detail}")
    remedy = N_("Nothing committed is lost. Replace the staging disk.")


class BatchInvalid(IntakeError):
    """A record of staging is not written as it should be (FORMAT 4.8)."""

    code = "IW-6005"
    what = N_("a record of staging is not written as it should be: {detail}")
    remedy = N_("The box may be taken over: run a drill, and compare the next snapshot with its source.")


class IndexDamaged(IntakeError):
    """The index of what was stored is unreadable. It is forgotten; everything is taken in anew."""

    code = "IW-6006"
    what = N_("the index of earlier snapshots is damaged: {detail}")
    remedy = N_("Nothing is lost. The next snapshot is taken in whole, which takes longer.")


# 31xx age files -------------------------------------------------------------------------------------


class AgeFormatError(VaultError):
    """Bytes that should be an age file of ours are not one (FORMAT 2)."""

    code = "IW-3101"
    what = N_("this is not a whole age file of this vault: {detail}")
    remedy = N_("Take the copy of another drive; run `iwato drive scrub` to find and repair the damage.")


class AgeHeaderForged(AgeFormatError):
    """The header's MAC does not match: the header was changed after it was written."""

    code = "IW-3102"
    what = N_("the header of an age file was changed after it was written")
    remedy = N_("Take the copy of another drive, and find out who could write to this one.")


class AgePayloadDamaged(AgeFormatError):
    """A chunk of the payload is changed, missing, out of order or cut off."""

    code = "IW-3103"
    what = N_("the content of an age file is damaged: {detail}")
    remedy = N_("Take the copy of another drive; run `iwato drive scrub` to find and repair the damage.")


class AgeKeyMismatch(VaultError):
    """A whole age file that this identity or passphrase does not open."""

    code = "IW-3104"
    what = N_("this key does not open the file")
    remedy = N_("Check that the key, the tokens and the drives belong to the same vault and generation.")


class AgeKeyTextInvalid(VaultError):
    """An `age1pq1…` or `AGE-SECRET-KEY-PQ-1…` text (or its bytes) that is not one. Never shows the text."""

    code = "IW-3105"
    what = N_("a key is not written as it should be: {detail}")
    remedy = N_("Compare it with the original, letter by letter.")


class PackStanzaRefused(AgeFormatError):
    """A pack that is not sealed to exactly one post-quantum recipient."""

    code = "IW-3106"
    what = N_("the file is not sealed to exactly one post-quantum key: {detail}")
    remedy = N_("Do not trust this file; run `iwato drive scrub` and compare with the other drives.")


class PostQuantumMissing(VaultError):
    """The machine's cryptographic library cannot seal to the vault's key. There is no weaker way."""

    code = "IW-3107"
    what = N_("post-quantum encryption does not work on this machine: {detail}")
    remedy = N_("Install the locked versions again (`make setup`); nothing is taken in until it works.")


# 34xx packs and manifests ---------------------------------------------------------------------------


class PackTableInvalid(VaultError):
    """The plaintext of a pack is not laid out as FORMAT 3 says. It was sealed so: no damage does that."""

    code = "IW-3401"
    what = N_("a pack holds nonsense: {detail}")
    remedy = N_("The box that wrote it was broken or taken over. Restore an older snapshot.")


class BlockInvalid(VaultError):
    """A stored block does not expand to what its table says."""

    code = "IW-3402"
    what = N_("a block of a pack cannot be expanded: {detail}")
    remedy = N_("The box that wrote it was broken or taken over. Restore an older snapshot.")


class ManifestInvalid(VaultError):
    """A manifest segment is not written as FORMAT 4 says."""

    code = "IW-3403"
    what = N_("a list of files is not written as it should be: {detail}")
    remedy = N_("The box that wrote it was broken or taken over. Restore an older snapshot.")


class EncoderBroken(VaultError):
    """What was compressed does not expand to what it was: this machine computes wrongly."""

    code = "IW-3404"
    what = N_("this machine computes wrongly: {detail}")
    remedy = N_("Nothing wrong was stored. Test the memory of the controller, then replace it.")


# 41xx signatures and signed notes -------------------------------------------------------------------


class SignatureMalformed(TrustError):
    """A signature, public key or signed note that is not written as FORMAT 9 says."""

    code = "IW-4101"
    what = N_("a signature is not written as it should be: {detail}")
    remedy = N_("Ask for the original again; do not act on this copy.")


class SignatureInvalid(TrustError):
    """A well-formed signature that does not hold for this text, purpose and key."""

    code = "IW-4102"
    what = N_("a signature does not hold: {detail}")
    remedy = N_("Do not act on this text: it was changed, or another key signed it.")


class SigningKeyRefused(TrustError):
    """A public key with which anybody could sign (small order), or of a kind we do not take."""

    code = "IW-4103"
    what = N_("a signing key is refused: {detail}")
    remedy = N_("Make a new key on the token and enrol that one.")


# 32xx drives and shards ------------------------------------------------------------------------------


class ShardFormatError(VaultError):
    """Bytes that should be a shard's footer are not one (FORMAT 5.7)."""

    code = "IW-3201"
    what = N_("a shard on a drive is damaged: {detail}")
    remedy = N_("Run `iwato drive scrub`: it repairs the shard from the other drives.")


class DriveHeaderDamaged(VaultError):
    """A drive whose header is not a signed header of any vault we could name (FORMAT 6.2)."""

    code = "IW-3202"
    what = N_("the drive in bay {bay} has a damaged header: {detail}")
    remedy = N_("Keep the drive apart and put its copy or a new drive in; the others carry its data.")


class DriveForeign(VaultError):
    """A drive of another vault, another set or another geometry."""

    code = "IW-3203"
    what = N_("the drive in bay {bay} belongs to another vault: {detail}")
    remedy = N_("Take it out and put in the drive of this vault. Nothing was written to it.")


class DriveBlank(VaultError):
    """A drive without any header."""

    code = "IW-3204"
    what = N_("the drive in bay {bay} is blank: it carries no header of this vault")
    remedy = N_("`iwato drive repair` lets it replace a missing drive, filled from the other drives.")


class DriveOccupied(VaultError):
    """A disk that is no drive of this vault and not empty."""

    code = "IW-3209"
    what = N_("the disk in bay {bay} is no drive of this vault and not empty: nothing is written on it")
    remedy = N_("If it may be a drive of this vault, keep it and use another disk. Else empty it yourself.")


class DriveDuplicate(VaultError):
    """Two drives that say they are the same drive of the set."""

    code = "IW-3205"
    what = N_("the drives in bays {bay} and {other} both say that they are drive {index} of the set")
    remedy = N_("Take out the copy and find out who made it. Until then neither of the two is used.")


class DriveFailed(VaultError):
    """A drive gave an error while it was written; it takes no further part in this run."""

    code = "IW-3206"
    what = N_("the drive in bay {bay} failed: {reason}")
    remedy = N_("What it lacks is made up at the next drive phase. If it fails again, replace the drive.")


class PackLost(VaultError):
    """More blocks of a pack are damaged or missing than the parity can replace."""

    code = "IW-3207"
    what = N_("pack {pack} cannot be read: {left} of the {needed} shards that are needed are left")
    remedy = N_("Look for the missing drives of this vault, also old ones; every further shard may help.")


class StagedBatchRefused(VaultError):
    """What intake left in staging is not what it claims to be. Nothing of it was committed."""

    code = "IW-3208"
    what = N_("what was pulled is refused by the sealing step: {detail}")
    remedy = N_("Treat the box as attacked in the last window; earlier snapshots are untouched.")
    exit_status = EXIT_EMERGENCY


# 42xx policy and recovery orders --------------------------------------------------------------------


class PolicyInvalid(TrustError):
    """A policy text that breaks a rule or is not written in the one canonical way."""

    code = "IW-4201"
    what = N_("the policy is not valid: {detail}")
    remedy = N_("Do not sign or load it. Take the text that the holders signed.")


class PolicyUnsigned(TrustError):
    """Fewer than k distinct holders' signatures hold for a policy or an order."""

    code = "IW-4202"
    what = N_("only {valid} of the {needed} signatures that {text} needs hold: {detail}")
    remedy = N_("Do not act on it. Ask the named holders to sign the text that they have read.")


class VaultKeyUnknown(TrustError):
    """The vault's public key that lies beside the policy is not the one that the policy names."""

    code = "IW-4203"
    what = N_("the vault's public key of generation {generation} is not the one in the policy")
    remedy = N_("Nothing may be sealed to it. Put back the key file of the birth; find out who changed it.")


class OrderInvalid(TrustError):
    """A recovery order that breaks a rule, has expired, or belongs to another vault or policy."""

    code = "IW-4204"
    what = N_("the recovery order is not valid: {detail}")
    remedy = N_("Write a new order for this vault and have it signed again.")


# 50xx holders, tokens, shares -----------------------------------------------------------------------


class QuorumMissing(CustodyError):
    """Fewer than k tokens."""

    code = "IW-5001"
    what = N_("{present} of the {needed} tokens that are needed are here")
    remedy = N_("Add the tokens of {missing} more holders with --token and repeat the command.")


class TokenMissing(CustodyError):
    """There is no token at the named place."""

    code = "IW-5002"
    what = N_("there is no token at {token}")
    remedy = N_("Insert the token, or name the folder that holds its `token.txt`.")


class TokenDamaged(CustodyError):
    """A token's file is cut off, changed or not written as it should be."""

    code = "IW-5003"
    what = N_("the token of holder {holder} is damaged: {detail}")
    remedy = N_("Use the token of another holder, and plan the replacement of this one.")


class PassphraseWrong(CustodyError):
    """The passphrase does not open the token."""

    code = "IW-5004"
    what = N_("the passphrase does not open the token of holder {holder}")
    remedy = N_("Enter the words of this token again, in order, with one hyphen between two words.")


class PassphraseMissing(CustodyError):
    """No passphrase was given and none lies beside the token."""

    code = "IW-5005"
    what = N_("the passphrase of the token of holder {holder} is needed")
    remedy = N_("Enter it when asked, or hand it over with --passphrase-fd.")


class TokenForeign(CustodyError):
    """A token whose keys are not those of a holder in the policy, or whose share is another vault's."""

    code = "IW-5006"
    what = N_("the token at {token} does not belong to this vault: {detail}")
    remedy = N_("Use the tokens of this vault's holders; this one may belong to another set.")


class ShareRecordMissing(CustodyError):
    """The token holds no share of the generation."""

    code = "IW-5007"
    what = N_("the token of holder {holder} holds no share of generation {generation}")
    remedy = N_("Use the token of another holder.")


class ShareRecordDamaged(CustodyError):
    """A share record that is cut off, changed, or sealed to another token."""

    code = "IW-5008"
    what = N_("the share record on the token of holder {holder} cannot be used: {detail}")
    remedy = N_("Use the token of another holder, and plan the replacement of this one.")


class ShareWrong(CustodyError):
    """A share that is not the one to which the policy commits. Names who gave it."""

    code = "IW-5009"
    what = N_("the share of {holder} is not the one that the policy names: {detail}")
    remedy = N_("Use the token of another holder; write down whose token gave this share.")


class ShareRepeated(CustodyError):
    """One share, or one token, was given twice."""

    code = "IW-5010"
    what = N_("the token of holder {holder} was given twice")
    remedy = N_("Each of the {needed} tokens must be another holder's.")


class SharingRefused(CustodyError):
    """A number of shares or a threshold that protects nothing."""

    code = "IW-5011"
    what = N_("{quorum} of {holders} is not a sharing that protects the vault")
    remedy = N_("Choose at least 2, fewer than all, and at most 16 holders; 3 of 5 is the default.")
    exit_status = EXIT_USAGE


class VaultKeyWrong(CustodyError):
    """Right shares made a key that is not the generation's. Never seen with honest software."""

    code = "IW-5012"
    what = N_("the key made of these shares is not the vault's key of generation {generation}")
    remedy = N_("Nothing was decrypted. Keep the tokens safe and have the shares examined.")


class BirthFailed(CustodyError):
    """A check of the birth did not pass: the vault must not come into use."""

    code = "IW-5013"
    what = N_("the birth stopped at `{step}`: {detail}")
    remedy = N_("No policy was signed. Take new tokens and begin again in an empty place.")


class KeyProcessFailed(CustodyError):
    """The short-lived process that holds keys ended without an answer."""

    code = "IW-5014"
    what = N_("the process that holds the keys ended before its work was done: {detail}")
    remedy = N_("Nothing was changed. Repeat the command; if it fails again, report it.")


class SuccessorRefused(CustodyError):
    """A policy that cannot follow the one in force, or that too few people signed."""

    code = "IW-5101"
    what = N_("the policy cannot follow the one in force: {detail}")
    remedy = N_("Nothing was changed. Make it with `iwato policy propose`, and have it signed as it is.")
    exit_status = EXIT_REFUSED


class DraftRefused(CustodyError):
    """An edited policy that breaks rules; each was listed with its line."""

    code = "IW-5102"
    what = N_("{path} is not a policy yet: {count} things to put right")
    remedy = N_("Change the lines that are listed above and repeat the command; nothing was written.")
    exit_status = EXIT_REFUSED


class NothingPending(CustodyError):
    """A veto or an override where no policy waits."""

    code = "IW-5103"
    what = N_("there is nothing to object to: {detail}")
    remedy = N_("See `iwato status`: it shows which policy waits, until when, and whose vetoes stand.")
    exit_status = EXIT_REFUSED


class CeremonyNeeded(CustodyError):
    """A policy that changes what only a ceremony may change: holders, keys, drives."""

    code = "IW-5104"
    what = N_("this version cannot change {what} by a policy alone")
    remedy = N_("Leave these lines as they are in force: shares and drives would not follow the new text.")
    exit_status = EXIT_REFUSED


class CaptureWeak(CustodyError):
    """The last-key analyser found a way with fewer than k people, or with software alone."""

    code = "IW-5105"
    what = N_("{goal} is possible with {people} people where {needed} are needed: {means}")
    remedy = N_("Change the policy or the board until `iwato policy capture-sets` finds no such way.")


class TextTaken(CustodyError):
    """A file that would be written holds something else already."""

    code = "IW-5106"
    what = N_("{path} holds something else already")
    remedy = N_("Name another place with --out, or put that file away; nothing was written.")
    exit_status = EXIT_REFUSED


class TextUnread(CustodyError):
    """A text for signing that is not there, or too long."""

    code = "IW-5107"
    what = N_("{path} cannot be read as a policy: {reason}")
    remedy = N_("Name the file that `iwato policy propose` wrote.")
    exit_status = EXIT_REFUSED


# 43xx ledger ----------------------------------------------------------------------------------------


class LedgerMalformed(TrustError):
    """Bytes that should be a ledger entry, segment, checkpoint or proof and are not (FORMAT 7)."""

    code = "IW-4301"
    what = N_("a part of the ledger is not written as it should be: {detail}")
    remedy = N_("Run `iwato ledger verify`: it says which drive's copy is damaged or was altered.")


class LedgerTampered(TrustError):
    """The ledger on the drives is not the one that the witness signed."""

    code = "IW-4302"
    what = N_("the ledger does not verify: {reason}")
    remedy = N_(
        "Treat this as an attack: leave the drives cut, keep them as evidence, "
        "and compare with a checkpoint that was seen outside."
    )


class CheckpointRefused(TrustError):
    """A checkpoint that the box and its witness did not sign, or of another ledger."""

    code = "IW-4303"
    what = N_("the checkpoint does not verify: {detail}")
    remedy = N_("Take another copy of the checkpoint; do not rely on this one.")


class ProofRefused(TrustError):
    """A proof that does not show that the entry is in the ledger."""

    code = "IW-4304"
    what = N_("the proof does not hold: {detail}")
    remedy = N_("Compare the entry with the other drives' copies; do not rely on this one.")


class WitnessDisagrees(TrustError):
    """The interlock cosigned another tree than the controller holds."""

    code = "IW-4305"
    what = N_("the interlock's ledger and the controller's differ: {detail}")
    remedy = N_("Run `iwato ledger verify`; nothing more is committed until it is explained.")


class ChunkDamaged(VaultError):
    """A chunk is not what manifest and pack table agree on, after the shards themselves were sound."""

    code = "IW-3301"
    what = N_("the content of a pack is damaged: {detail}")
    remedy = N_("The files that need it are listed as not restored; try an older snapshot for them.")


# What a run reports and goes on: the command ends with 3 ---------------------------------------------


class ContactTestFailed(HardwareError):
    """The relays did not show what they were ordered to."""

    code = "IW-2005"
    what = N_("the contact test of the link failed {tries} times")
    remedy = N_("The link stays cut. Have the relays K1 and K2 and their senses checked.")


class ContactTestRepeated(HardwareError):
    """The relays were late; the link is tried again after the gap that the interlock demands."""

    code = "IW-2012"
    what = N_("the contact test of the link failed once it conducted; it is tried again in {seconds} s")
    remedy = N_("Nothing is lost. If it comes in every window, have the relays K1 and K2 checked.")
    exit_status = EXIT_WARNINGS


class ControllerEnded(HardwareError):
    """The controller's program ended before its phase did."""

    code = "IW-2006"
    what = N_("the controller stopped before its work was done: {detail}")
    remedy = N_("Nothing committed is lost. Run the command again; report it if it happens twice.")


class NothingLatched(HardwareError):
    """A release was asked for, and nothing is there to be released."""

    code = "IW-2015"
    what = N_("the box is in {phase}: nothing is latched")
    remedy = N_("There is nothing to release. `iwato status` shows what it waits for.")
    exit_status = EXIT_REFUSED


class FaultLatched(HardwareError):
    """The interlock has latched a fault, or a person has secured the box."""

    code = "IW-2007"
    what = N_("the box is in {phase} and connects nothing: {cause}")
    remedy = N_(
        "The box stays ISOLATED and its data is safe. Find the cause first; then k holders release it:"
        " `iwato quorum release`."
    )
    exit_status = EXIT_EMERGENCY


class EmulationDamaged(HardwareError):
    """The files that stand for the emulated hardware were changed by something else."""

    code = "IW-2008"
    what = N_("the emulated hardware cannot be read: {detail}")
    remedy = N_("Restore the directory `emulated` from where you copied it; nothing was connected.")


class SourceUnknown(OperatorError):
    """The snapshot has no such source."""

    code = "IW-1013"
    what = N_("snapshot {snapshot} has no source {source}")
    remedy = N_("`iwato copies list` shows the sources of each snapshot.")


class TraceUnreadable(HardwareError):
    """A file that is no trace of a bench."""

    code = "IW-2140"
    what = N_("the trace {path} is not understood: {detail}")
    remedy = N_("Record one with `iwato bench run-window --trace FILE`.")
    exit_status = EXIT_USAGE


class TraceUnwritten(HardwareError):
    """A trace or its drawing has no place."""

    code = "IW-2141"
    what = N_("{path} cannot be written: {detail}")
    remedy = N_("Name a new file in a folder that can be written; nothing is ever replaced.")
    exit_status = EXIT_REFUSED


class ScenarioUnreadable(OperatorError):
    """The bench scenario is not understood."""

    code = "IW-1010"
    what = N_("the scenario {path} is not understood: {detail}")
    remedy = N_("See hw/README.md for what a scenario may hold.")
    exit_status = EXIT_USAGE


class TargetForeign(OperatorError):
    """`--resume` into a directory that does not hold this restore, interrupted."""

    code = "IW-1011"
    what = N_("the target {path} cannot be resumed: it holds {detail}")
    remedy = N_("Repeat the interrupted command exactly, or name an empty directory. Nothing was changed.")
    exit_status = EXIT_REFUSED


class NotInSnapshot(OperatorError):
    """A source or path that was asked for does not exist in the snapshot."""

    code = "IW-1012"
    what = N_("there is no {path} in snapshot {snapshot}")
    remedy = N_("Check the spelling; paths are relative to the source. Nothing was restored.")


class DriveJoined(VaultError):
    """A blank disk took the place of a drive that was missing."""

    code = "IW-3010"
    what = N_("the blank disk in bay {bay} is drive {drive} from now on")
    remedy = N_("Never attach the old drive {drive} again beside it: neither of the two would be used.")
    exit_status = EXIT_WARNINGS


class DriveForgot(VaultError):
    """A drive lacks shards that it held, and gave back, when they were committed."""

    code = "IW-3011"
    what = N_("drive {drive} lacks {count} shards that it held when they were committed")
    remedy = N_("Was it exchanged, or an old copy put in? Then this is healed. Else it forgets: replace it.")
    exit_status = EXIT_WARNINGS


class DriveHangs(VaultError):
    """A drive does not answer, and the drive phase with it will be cut."""

    code = "IW-3012"
    what = N_("the drive in bay {bay} does not answer; this drive phase will be cut")
    remedy = N_("Do nothing: the next phases go on without it. If it happens again, replace the drive.")
    exit_status = EXIT_WARNINGS


class DriveRests(VaultError):
    """A bay is left without supply, because its drive held up an earlier phase until that was cut."""

    code = "IW-3013"
    what = N_("the drive in bay {bay} hung and rests now; after this one for {phases} more drive phases")
    remedy = N_("Replace the drive, or have it tried again at once: iwato drive repair.")
    exit_status = EXIT_WARNINGS


class CommitDegraded(VaultError):
    """Not every drive holds what was committed."""

    code = "IW-3002"
    what = N_("only drives {drives} of {total} hold the snapshot {snapshot}")
    remedy = N_("It is safe, with less to spare. Put the missing drives back: they are filled first.")
    exit_status = EXIT_WARNINGS


class DrivesMissing(VaultError):
    """Drives of the set are not there; work goes on without them."""

    code = "IW-3003"
    what = N_("missing or not usable of the set: drives {drives}")
    remedy = N_("Look at the bays. Every missing drive is one loss less that the vault survives.")
    exit_status = EXIT_WARNINGS


class DamageFound(VaultError):
    """Scrub found shards that are not what they were."""

    code = "IW-3004"
    what = N_("{bad} damaged or missing parts: {repaired} shards written anew, {unrepaired} left")
    remedy = N_("Watch the drive that shows damage and replace it if it shows more.")
    exit_status = EXIT_WARNINGS


class SnapshotLacks(VaultError):
    """Files that could not be read when the snapshot was pulled."""

    code = "IW-3009"
    what = N_("snapshot {snapshot} lacks {count} files or attributes that could not be read at their source")
    remedy = N_("An older snapshot may have them. Give the box the right to read them for the next window.")
    exit_status = EXIT_WARNINGS


class SnapshotsDamaged(VaultError):
    """A pack is beyond repair, and snapshots need it."""

    code = "IW-3008"
    what = N_("pack {pack} cannot be repaired; snapshots that need it: {snapshots}; of sources: {sources}")
    remedy = N_("Look for missing drives. The next window stores anew what its source still has.")


class RestoreIncomplete(VaultError):
    """Something of the snapshot is not in the target."""

    code = "IW-3005"
    what = N_("{count} objects were not restored; the first: {path}: {reason}")
    remedy = N_("The full list is in the JSON report. Try an older snapshot for these.")
    exit_status = EXIT_WARNINGS


class AttributesLeftOut(VaultError):
    """Attributes or special objects were left out of a restore."""

    code = "IW-3006"
    what = N_("{count} attributes or special objects were left out; the first: {path}: {reason}")
    remedy = N_("Restore as root, with --devices and --set-id where they are wanted.")
    exit_status = EXIT_WARNINGS


class SnapshotPartial(VaultError):
    """A snapshot that a window's end cut short."""

    code = "IW-3007"
    what = N_("snapshot {snapshot} is not complete: its window ended first, or a source was missing")
    remedy = N_("What it holds was restored. A later snapshot has the rest.")
    exit_status = EXIT_WARNINGS


class PolicyMismatch(TrustError):
    """The policy on the medium is not the one that the interlock enforces."""

    code = "IW-4401"
    what = N_("the policy file is not the policy {version} that the interlock enforces")
    remedy = N_("Put the policy text back that the holders signed; the box does nothing until then.")


class PolicyNowhere(TrustError):
    """No drive holds the policy that the interlock enforces."""

    code = "IW-4403"
    what = N_("none of the {copies} drives that answer holds the policy that the interlock enforces: {hash}")
    remedy = N_("Put in every drive of this vault, or put the policy folder back; holders have copies too.")


class PolicyCopyDamaged(TrustError):
    """A drive's public copy of the policy is not the box's own. Only a rebuild reads it."""

    code = "IW-4402"
    what = N_(
        "on drive {drive} {altered} files of the policy are damaged or altered and {missing} were missing, "
        "first {name}; {left} are still not as they should be"
    )
    remedy = N_(
        "The box does not rely on these copies. Nothing on a drive is overwritten, so an altered file stays; "
        "take the policy from another drive, and find out who had this one in hand."
    )
    exit_status = EXIT_WARNINGS


class LedgerUnconfirmed(TrustError):
    """The copies agree with one another and with their signatures, and that is all that was asked."""

    code = "IW-4307"
    what = N_("nothing outside the drives confirms their ledger")
    remedy = N_("Leave out --drives-only, or name a checkpoint that was seen outside with --checkpoint.")
    exit_status = EXIT_WARNINGS


class LedgerBehind(TrustError):
    """The controller's own copy of the ledger lacks entries that the interlock knows."""

    code = "IW-4306"
    what = N_("the controller's own ledger shows {held} of the {known} entries that the interlock knows")
    remedy = N_("Run `iwato drive scrub`: it fills the copy from the drives; then repeat the command.")


class LedgerCopyDamaged(TrustError):
    """One copy of the ledger was damaged or altered; the history as a whole is the witness's."""

    code = "IW-4308"
    what = N_(
        "one copy of the ledger was damaged or altered: {detail} "
        "({count} findings on this copy, {left} left after healing)"
    )
    remedy = N_(
        "What other copies hold was written again beside what is damaged. Find out who had the drive in "
        "hand, and replace it if it shows more."
    )
    exit_status = EXIT_WARNINGS


class CheckpointUnseen(TrustError):
    """Nobody outside the box has a checkpoint of what it did lately: the dead-man rule."""

    code = "IW-4410"
    what = N_("for {windows} windows nobody has said that a checkpoint was seen outside the box")
    remedy = N_(
        "Run `iwato ledger checkpoint --qr`, scan it and keep the text away from the box; then read the "
        "last 8 characters of it back with `iwato ledger seen`."
    )
    exit_status = EXIT_WARNINGS


class CheckCodeUnknown(TrustError):
    """What was read back is not the end of a recent checkpoint."""

    code = "IW-4411"
    what = N_("none of the box's recent checkpoints ends with {code}")
    remedy = N_(
        "Type the last 8 characters of the scanned text. If they are right, the box has another ledger "
        "than the one that was scanned: hold it against the whole text with `iwato ledger compare`."
    )
    exit_status = EXIT_FAILED


class CheckpointContradicted(TrustError):
    """A checkpoint from outside, with signatures that hold, is not of the ledger that the box has."""

    code = "IW-4412"
    what = N_("the box's ledger is not the one that was seen outside: {reason}")
    remedy = N_(
        "Treat this as an attack: leave the drives cut, keep them as evidence, export the ledger "
        "and check it on another computer."
    )


class CheckpointMissing(TrustError):
    """No checkpoint is there whose signatures hold."""

    code = "IW-4413"
    what = N_("the box has no checkpoint of its own")
    remedy = N_("Run `iwato drive scrub`: it fills the controller's copy; then repeat the command.")
    exit_status = EXIT_FAILED


class FilesUnreadable(IntakeError):
    """Some files of a source could not be read."""

    code = "IW-6101"
    what = N_("{count} files could not be read; the first: {path}: {reason}")
    remedy = N_("They are not in this snapshot. Give the box the right to read them.")
    exit_status = EXIT_WARNINGS


class WindowEndedEarly(IntakeError):
    """The window ended before the intake did."""

    code = "IW-6102"
    what = N_("the window ended before everything was pulled")
    remedy = N_("What was pulled is committed. The next window goes on from there.")
    exit_status = EXIT_WARNINGS


class FilesChanged(IntakeError):
    """Files that changed while they were read, and again while they were read once more."""

    code = "IW-6104"
    what = N_("{count} files changed while they were pulled; the first: {path}")
    remedy = N_("They may be half old and half new. The next window pulls them again: restore from that.")
    exit_status = EXIT_WARNINGS


class WindowLost(IntakeError):
    """The window ended without a commit."""

    code = "IW-6103"
    what = N_("nothing was committed in this window: {reason}")
    remedy = N_("Older snapshots are untouched. The next window tries again.")


# 7xxx -----------------------------------------------------------------------------------------------


class WindowMissed(DutyError):
    """A window passed and the daemon did nothing in it."""

    code = "IW-7101"
    what = N_("{count} windows passed without an attempt; the newest began at {window}")
    remedy = N_("Keep iwatod running, and see its journal for why it was not. The next window is tried.")


class WindowBarren(DutyError):
    """A window ended and nothing of it is committed. `cause` and `cause_code` say why."""

    code = "IW-7102"
    what = N_("window {window} committed nothing after {tries} tries: {cause_code} {cause}")
    remedy = N_("`iwato help {cause_code}` says what to do. Older snapshots are safe; the next window tries.")


class ScrubOverdue(DutyError):
    """Not every block was read for too long."""

    code = "IW-7103"
    what = N_("no scrub has come to its end for {days} days")
    remedy = N_("Run `iwato drive scrub`, or give the box longer scrub slots in the next policy.")


class DrillOverdue(DutyError):
    """Nobody has proven for too long that a copy can be opened."""

    code = "IW-7104"
    what = N_("no copy was opened with the holders' tokens for {days} days")
    remedy = N_("Meet with k holders and run `iwato copies verify --token DIR`: it writes nothing.")


class RoomEnding(DutyError):
    """The drives or the scratch disk fill up."""

    code = "IW-7105"
    what = N_("{place} is {percent} % full; at this pace it is full on {date}")
    remedy = N_("Plan larger drives. Nothing is ever removed to make room.")


class SourceSilent(DutyError):
    """A source was not pulled whole in several windows in a row."""

    code = "IW-7106"
    what = N_("source {source} was not pulled whole in {windows} windows in a row")
    remedy = N_("Check that source and its network. A source that falls silent may be under attack.")


class UnorderlyEnd(DutyError):
    """The last run of the daemon did not end as it should."""

    code = "IW-7107"
    what = N_("the daemon ended without notice while it did: {job}")
    remedy = N_("The box went dark with it, and nothing committed is lost. Look into the journal for why.")


class RecordLost(DutyError):
    """What the daemon remembers cannot be read or written."""

    code = "IW-7108"
    what = N_("the daemon's record cannot be used: {detail}")
    remedy = N_("Make room on that disk. Backups go on; alarms and window records may begin anew.")


class CutOrdered(DutyError):
    """A person cut, or asked the daemon to end, while lines were live."""

    code = "IW-7109"
    what = N_("{job} was cut by {who}")
    remedy = N_("Every line is cut. Staged data is kept, and the next window goes on from there.")


class DaemonAbsent(DutyError):
    """A command that only a daemon can do, and there is none."""

    code = "IW-7110"
    what = N_("no daemon attends {path}")
    remedy = N_("Start `iwatod --home DIR`, then try again.")
    exit_status = EXIT_FAILED


class DaemonSilent(DutyError):
    """The daemon's socket is there, but it does not answer."""

    code = "IW-7111"
    what = N_("the daemon does not answer: {detail}")
    remedy = N_("NO DATA: treat the box as connected. Look at its lamps, press CUT, and see the journal.")
    exit_status = EXIT_EMERGENCY


class MessageRefused(DutyError):
    """A message to the daemon that is not in DAEMON.md."""

    code = "IW-7112"
    what = N_("the daemon did not take the message: {detail}")
    remedy = N_("Use the iwato of the same version as the daemon.")
    exit_status = EXIT_FAILED


class AlarmUnknown(DutyError):
    """No alarm has this number."""

    code = "IW-7113"
    what = N_("there is no alarm {number}")
    remedy = N_("`iwato alarm list` shows those that there are.")
    exit_status = EXIT_USAGE


class ClockWentBack(DutyError):
    """The interlock's clock shows less than it did."""

    code = "IW-7114"
    what = N_("the interlock's clock went back by {seconds} seconds")
    remedy = N_("No window is tried twice. Find out who set it; see `iwato ledger show`.")


class WindowNotNow(DutyError):
    """A window was asked for outside of the policy's windows."""

    code = "IW-7115"
    what = N_("there is no window now; the next begins at {window}")
    remedy = N_("Nobody can connect outside the policy's windows. Wait, or change the policy with k holders.")
    exit_status = EXIT_REFUSED


class PeerForeign(DutyError):
    """Another user of the machine asked the daemon."""

    code = "IW-7116"
    what = N_("user {uid} may not ask the daemon")
    remedy = N_("Use the daemon's own user, or root.")
    exit_status = EXIT_FAILED


class DaemonHolds(DutyError):
    """A command that needs the box for itself, while a daemon owns it."""

    code = "IW-7117"
    what = N_("iwatod attends {path}, and this command needs the box for itself")
    remedy = N_("Stop iwatod for as long as this takes; while it is stopped, no window is tried.")
    exit_status = EXIT_LATER


def by_code() -> dict[str, type[IwatoError]]:
    """Every error class by its code."""
    found: dict[str, type[IwatoError]] = {}
    waiting: list[type[IwatoError]] = [IwatoError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return found
