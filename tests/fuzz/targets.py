"""Every parser of bytes that come from a drive, staging, a token, a serial line or a person's file.

A new parser gets a target in one of these tables (tests/tidy/test_parsers.py asks for it), a valid input
in the specimens, and its stored seed by `python -m tests.fuzz.corpus --write`.
"""

from tests.fuzz import authority_targets, daemon_targets, vault_targets

TARGETS = (
    *vault_targets.AGE,
    *vault_targets.VAULT,
    *vault_targets.LEDGER,
    *authority_targets.SIGNATURES,
    *authority_targets.CUSTODY,
    *authority_targets.LINES,
    *daemon_targets.DAEMON,
)
