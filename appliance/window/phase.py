"""The controller's phase machine: one literal table, nothing else.

`step(phase, event)` looks the pair up; an unlisted pair is a FAULT, and FAULT is never left (the box
must be power-cycled). The controller only *requests*; what it believes here is corrected by the
interlock, which has its own table (firmware/model/phases.py). No time, no hardware.
"""

from enum import StrEnum

from appliance.domain.phases import Phase


class Event(StrEnum):
    """What the keeper can observe."""

    BOOTED_ISOLATED = "booted, interlock says ISOLATED"
    BOOTED_SEAL = "booted, interlock says SEAL"
    BOOTED_SCRUB = "booted, interlock says SCRUB"
    BOOTED_RECOVERY = "booted, interlock says RECOVERY"
    BOOTED_OTHERWISE = "booted, interlock says anything else"
    LINK_GRANTED = "interlock granted the link"
    K1_SETTLED = "K1 alone had its time"
    K2_SETTLED = "K2 alone had its time"
    LINK_LIVE = "interlock says INTAKE"
    TEST_FAILED = "interlock went back to ISOLATED"
    CUT_SOON = "the phase is nearly over"
    WORK_DONE = "the phase's work is done"
    PHASE_ENDED = "interlock ended the phase"
    SECURED = "interlock says SECURED"
    FAULTED = "interlock says FAULT"
    SILENT = "interlock does not answer"


class Action(StrEnum):
    """What the keeper does on a transition."""

    RELEASE_ALL = "release every coil"
    ENERGISE_K1 = "energise K1 alone"
    ENERGISE_K2 = "energise K2 alone"
    ENERGISE_LINK = "energise K1 and K2"
    ENERGISE_DRIVES = "energise the drives"
    FINISH_EARLY = "tell the work to finish early"
    TELL_DONE = "tell the interlock"


_END = (Action.FINISH_EARLY, Action.RELEASE_ALL)
_DONE = (Action.RELEASE_ALL, Action.TELL_DONE)
_DRIVES = (Action.ENERGISE_DRIVES,)

TABLE: dict[tuple[Phase, Event], tuple[Phase, tuple[Action, ...]]] = {
    (Phase.UNKNOWN, Event.BOOTED_ISOLATED): (Phase.ISOLATED, (Action.RELEASE_ALL,)),
    (Phase.UNKNOWN, Event.BOOTED_SEAL): (Phase.SEAL, _DRIVES),
    (Phase.UNKNOWN, Event.BOOTED_SCRUB): (Phase.SCRUB, _DRIVES),
    (Phase.UNKNOWN, Event.BOOTED_RECOVERY): (Phase.RECOVERY, _DRIVES),
    (Phase.UNKNOWN, Event.SECURED): (Phase.SECURED, (Action.RELEASE_ALL,)),
    (Phase.ISOLATED, Event.LINK_GRANTED): (Phase.CONTACT_TEST, (Action.ENERGISE_K1,)),
    (Phase.ISOLATED, Event.SECURED): (Phase.SECURED, (Action.RELEASE_ALL,)),
    (Phase.CONTACT_TEST, Event.K1_SETTLED): (Phase.CONTACT_TEST, (Action.ENERGISE_K2,)),
    (Phase.CONTACT_TEST, Event.K2_SETTLED): (Phase.CONTACT_TEST, (Action.ENERGISE_LINK,)),
    (Phase.CONTACT_TEST, Event.LINK_LIVE): (Phase.INTAKE, ()),
    (Phase.CONTACT_TEST, Event.TEST_FAILED): (Phase.ISOLATED, (Action.RELEASE_ALL,)),
    (Phase.CONTACT_TEST, Event.SECURED): (Phase.SECURED, _END),
    (Phase.INTAKE, Event.CUT_SOON): (Phase.INTAKE, (Action.FINISH_EARLY,)),
    (Phase.INTAKE, Event.WORK_DONE): (Phase.AIRLOCK, _DONE),
    (Phase.INTAKE, Event.PHASE_ENDED): (Phase.AIRLOCK, _END),
    (Phase.INTAKE, Event.SECURED): (Phase.SECURED, _END),
    (Phase.SEAL, Event.CUT_SOON): (Phase.SEAL, (Action.FINISH_EARLY,)),
    (Phase.SEAL, Event.WORK_DONE): (Phase.ISOLATED, _DONE),
    (Phase.SEAL, Event.PHASE_ENDED): (Phase.ISOLATED, _END),
    (Phase.SEAL, Event.SECURED): (Phase.SECURED, _END),
    (Phase.SCRUB, Event.CUT_SOON): (Phase.SCRUB, (Action.FINISH_EARLY,)),
    (Phase.SCRUB, Event.WORK_DONE): (Phase.ISOLATED, _DONE),
    (Phase.SCRUB, Event.PHASE_ENDED): (Phase.ISOLATED, _END),
    (Phase.SCRUB, Event.SECURED): (Phase.SECURED, _END),
    (Phase.RECOVERY, Event.CUT_SOON): (Phase.RECOVERY, (Action.FINISH_EARLY,)),
    (Phase.RECOVERY, Event.WORK_DONE): (Phase.ISOLATED, _DONE),
    (Phase.RECOVERY, Event.PHASE_ENDED): (Phase.ISOLATED, _END),
    (Phase.RECOVERY, Event.SECURED): (Phase.SECURED, _END),
}

BOOTED = {
    Phase.ISOLATED: Event.BOOTED_ISOLATED,
    Phase.SEAL: Event.BOOTED_SEAL,
    Phase.SCRUB: Event.BOOTED_SCRUB,
    Phase.RECOVERY: Event.BOOTED_RECOVERY,
    Phase.SECURED: Event.SECURED,
}


def step(phase: Phase, event: Event) -> tuple[Phase, tuple[Action, ...]]:
    """The next phase and what to do. Every pair that the table does not list faults."""
    if phase is Phase.FAULT:
        return phase, ()
    return TABLE.get((phase, event), (Phase.FAULT, _END))


def diagram() -> str:
    """The table as a Mermaid state diagram; the docs hold a copy that a test compares."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.UNKNOWN}"]
    for (phase, event), (after, actions) in TABLE.items():
        label = event.value + (" / " + ", ".join(action.value for action in actions) if actions else "")
        lines.append(f"    {phase} --> {after}: {label}")
    lines.append(f"    {Phase.FAULT}: FAULT, from anywhere on an unlisted pair, until a power cycle")
    return "\n".join(lines) + "\n"
