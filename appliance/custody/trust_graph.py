"""Who can do what to the box, as a literal graph: the claims of THREATS in a form that can be computed with.

An edge says: whoever has all of `needs` has `gives`. Each names the test that backs its claim, or none, and
is then reported as unproven; tests/tidy/test_captures.py holds the names. `SHUT` are ways that must not
exist: one without a test counts as open. Evaluated in custody/capture.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.words import N_


class Goal(StrEnum):
    """What an attacker wants (00-mission)."""

    READ = "READ"
    DESTROY = "DESTROY"
    OPEN = "OPEN"
    BLIND = "BLIND"
    STALL = "STALL"


class Kind(StrEnum):
    """What sort of thing has to be captured."""

    PEOPLE = "people"
    DEVICE = "device"
    KEY = "key"
    TIME = "time"
    PHYSICAL = "physical"
    SOFTWARE = "software"


class Atom(StrEnum):
    """What an attacker has to capture. The names are those of the JSON."""

    QUORUM = "k-holders"
    SPOILERS = "n-k+1-holders"
    ONE_HOLDER = "one-holder"
    DELAY = "delay"
    KEY_SWITCH = "key-switch"
    AT_BOX = "at-the-box"
    CASE = "case-opened"
    HAMMER = "hammer"
    BRIDGE = "bridge"
    DRIVES = "drives"
    MEDIUM = "sealing-medium"
    LOG_KEY = "log-key"
    WITNESS_KEY = "witness-key"
    NO_CHECKPOINT = "no-checkpoint-outside"
    PUT_BACK = "all-put-back"
    ROOT = "root-in-the-link-half"
    RADIO = "radio"
    NETWORK = "network"
    FEWER = "k-1-holders"
    DRIVES_ALONE = "all-drives"


@dataclass(frozen=True, slots=True)
class Meaning:
    """An atom for people; `force` is against the case."""

    kind: Kind
    text: str
    force: bool = False


MEANINGS: dict[Atom, Meaning] = {
    Atom.QUORUM: Meaning(Kind.PEOPLE, N_("any {quorum} of {holders} holders")),
    Atom.SPOILERS: Meaning(Kind.PEOPLE, N_("any {spoilers} of {holders} holders, who lose their tokens")),
    Atom.ONE_HOLDER: Meaning(Kind.PEOPLE, N_("any one holder")),
    Atom.FEWER: Meaning(Kind.PEOPLE, N_("{fewer} holders")),
    Atom.DELAY: Meaning(Kind.TIME, N_("{delay} h in which nobody holds CUT")),
    Atom.KEY_SWITCH: Meaning(Kind.PHYSICAL, N_("the key switch at the box")),
    Atom.AT_BOX: Meaning(Kind.PHYSICAL, N_("a hand on the CUT button or the plug")),
    Atom.CASE: Meaning(Kind.PHYSICAL, N_("the case opened"), force=True),
    Atom.HAMMER: Meaning(Kind.PHYSICAL, N_("a hammer"), force=True),
    Atom.BRIDGE: Meaning(Kind.PHYSICAL, N_("a wire across the relays"), force=True),
    Atom.DRIVES: Meaning(Kind.DEVICE, N_("{data} drives")),
    Atom.DRIVES_ALONE: Meaning(Kind.DEVICE, N_("all drives")),
    Atom.MEDIUM: Meaning(Kind.DEVICE, N_("another sealing medium put in"), force=True),
    Atom.LOG_KEY: Meaning(Kind.KEY, N_("the log key, read from the controller's disk")),
    Atom.WITNESS_KEY: Meaning(Kind.KEY, N_("the witness key, read from the interlock")),
    Atom.NO_CHECKPOINT: Meaning(Kind.TIME, N_("nobody outside has kept a checkpoint")),
    Atom.PUT_BACK: Meaning(Kind.DEVICE, N_("drives, controller and interlock put back together")),
    Atom.ROOT: Meaning(Kind.SOFTWARE, N_("root on the controller in the link half")),
    Atom.RADIO: Meaning(Kind.SOFTWARE, N_("a radio on the board")),
    Atom.NETWORK: Meaning(Kind.SOFTWARE, N_("the network before the box")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """See the module. `gives` is a goal or a step on the way. `scope` "window": not about sealed data.
    `board`: where it holds only. `copper`: shown in the twin, so unproven on a real board."""

    gives: str
    needs: tuple[str, ...]
    claim: str
    test: str = ""
    scope: str = "sealed"
    board: str = ""
    copper: bool = False


_SUCCESSION = "tests/firmware/test_succession.py::"
_TAMPERING = "tests/unit/test_ledger_tampering.py::"
_EXPLORED = (
    "tests/firmware/test_invariants.py::test_every_input_in_every_abstract_state_keeps_every_invariant"
)

EDGES: tuple[Edge, ...] = (
    Edge(
        gives=Goal.READ,
        needs=("vault-key", "ciphertext"),
        claim=N_("what is sealed opens with the vault key only, and no medium of the box holds it"),
        test="tests/simulation/test_sentinels.py::test_no_secret_is_on_any_medium_at_any_step_of_a_window",
    ),
    Edge(
        gives="vault-key",
        needs=(Atom.QUORUM,),
        claim=N_("with fewer than k shares every key is still possible"),
        test="tests/unit/test_shares.py::test_with_two_shares_known_every_key_is_still_possible",
    ),
    Edge(
        gives="ciphertext",
        needs=(Atom.QUORUM, Atom.KEY_SWITCH),
        claim=N_("drives are fed for a recovery with an order of k holders and the key switch only"),
        test="tests/firmware/test_authority.py::"
        "test_an_order_is_refused_when_replayed_expired_foreign_long_lived_or_short_of_votes",
        copper=True,
    ),
    Edge(
        gives="ciphertext",
        needs=(Atom.CASE, Atom.DRIVES),
        claim=N_("fewer drives than data shards restore nothing"),
        test="tests/simulation/test_subsets_tree.py::"
        "test_fewer_than_k_drives_restore_nothing_and_name_the_pack",
    ),
    Edge(
        gives="ciphertext",
        needs=(Atom.ROOT,),
        claim=N_("root in the link half can carry off what is being staged, as ciphertext"),
    ),
    Edge(
        gives=Goal.READ,
        needs=(Atom.ROOT,),
        claim=N_("root in the link half sees what that window pulls, before it is sealed"),
        scope="window",
    ),
    Edge(
        gives=Goal.DESTROY,
        needs=(Atom.SPOILERS,),
        claim=N_("fewer than k tokens open nothing, so data is lost with n-k+1 of them"),
        test="tests/unit/test_shares_recovery.py::"
        "test_fewer_tokens_open_nothing_and_it_is_said_how_many_are_missing",
    ),
    Edge(
        gives=Goal.DESTROY,
        needs=(Atom.HAMMER,),
        claim=N_("one case holds all drives"),
        test="tests/simulation/test_subsets_tree.py::"
        "test_fewer_than_k_drives_restore_nothing_and_name_the_pack",
    ),
    Edge(
        gives=Goal.DESTROY,
        needs=(Atom.CASE, Atom.MEDIUM),
        claim=N_("a drive half obeys the medium that it boots from"),
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.QUORUM, Atom.DELAY),
        claim=N_("a wider window takes k holders and the whole delay of the policy in force"),
        test=_SUCCESSION
        + "test_a_policy_signed_by_k_takes_effect_after_the_old_delay_and_not_a_second_before",
        copper=True,
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.QUORUM, Atom.KEY_SWITCH),
        claim=N_("the clock that opens a window is set by k holders with the key switch only"),
        test="tests/firmware/test_setting.py::test_fewer_than_k_or_nobody_at_the_box_set_no_clock",
        copper=True,
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.CASE, Atom.BRIDGE),
        claim=N_("a bridge behind the sense contacts is not seen"),
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.RADIO, Atom.ROOT),
        claim=N_("a radio connects without any relay"),
        board="radio",
    ),
    Edge(
        gives=Goal.BLIND,
        needs=(Atom.LOG_KEY, Atom.WITNESS_KEY, Atom.CASE, Atom.NO_CHECKPOINT),
        claim=N_("the log forks with both keys only, and a checkpoint seen outside exposes it"),
        test=_TAMPERING + "test_a_fork_that_both_keys_signed_is_found_although_the_head_matches",
    ),
    Edge(
        gives=Goal.BLIND,
        needs=(Atom.CASE, Atom.PUT_BACK, Atom.NO_CHECKPOINT),
        claim=N_("what is put back together looks whole"),
        test=_TAMPERING
        + "test_a_checkpoint_seen_outside_finds_a_rewritten_history_and_a_shortened_one",
    ),
    Edge(
        gives=Goal.STALL,
        needs=(Atom.ROOT,),
        claim=N_("root in the link half can spoil the window that it is in, visibly"),
        test="tests/attack/test_lying_intake.py::"
        "test_a_captured_intake_that_claims_a_sealed_window_and_ends_is_a_lost_window",
    ),
    Edge(
        gives=Goal.STALL,
        needs=(Atom.AT_BOX,),
        claim=N_("CUT needs no electronics and nobody's leave"),
        test="tests/unit/test_twin_circuit.py::test_the_cut_button_needs_no_electronics",
        copper=True,
    ),
    Edge(
        gives=Goal.STALL,
        needs=(Atom.ONE_HOLDER,),
        claim=N_("any one holder stops a change of the policy until k others override"),
        test=_SUCCESSION + "test_any_one_holder_stops_a_pending_policy_also_over_a_reset",
    ),
    Edge(
        gives=Goal.STALL,
        needs=(Atom.NETWORK,),
        claim=N_("without its sources the box pulls nothing, and says so"),
        test="tests/unit/test_intake.py::test_a_missing_source_does_not_keep_the_others_from_being_taken",
    ),
)

# Ways that must not exist. One whose test is missing counts as an edge.
SHUT: tuple[Edge, ...] = (
    Edge(
        gives=Goal.READ,
        needs=(Atom.FEWER, Atom.DRIVES_ALONE),
        claim=N_("k-1 holders with all drives learn nothing"),
        test="tests/unit/test_shares.py::"
        "test_fewer_than_k_shares_are_refused_also_when_they_claim_a_lower_threshold",
    ),
    Edge(
        gives=Goal.DESTROY,
        needs=(Atom.ROOT,),
        claim=N_("nothing that ran in the link half lives on in the drive half"),
        test="tests/attack/test_rootkit.py::test_it_dies_at_the_airlock_with_all_its_daemons",
        copper=True,
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.ROOT,),
        claim=N_("root on the controller cannot connect outside a window"),
        test=_EXPLORED,
        copper=True,
    ),
    Edge(
        gives=Goal.OPEN,
        needs=(Atom.FEWER,),
        claim=N_("k-1 holders change no policy, however many new ones sign"),
        test=_SUCCESSION + "test_fewer_than_k_old_holders_change_nothing_however_many_new_ones_sign",
    ),
    Edge(
        gives=Goal.BLIND,
        needs=(Atom.ROOT,),
        claim=N_("whoever changes the log is told by the interlock's head"),
        test=_TAMPERING + "test_every_random_attack_on_some_or_all_drives_is_found",
    ),
)
