"""The rules of a policy's body: windows, scrub slots, drive groups, sources, delay. THREATS 3.8."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.custody.broken_rule import Broken, Judged, most, repeated
from appliance.custody.policy_facts import (
    DELAY_S_MAX,
    GROUPS_MAX,
    LINK_DAY_S_MAX,
    PATH_BYTES_MAX,
    SCRUBS_MAX,
    SOURCES_MAX,
    TIER_MAX,
    WINDOWS_MAX,
    PolicyParts,
    is_source_name,
)
from appliance.domain.geometry import DRIVES_MAX
from appliance.domain.schedule import DAY_S, LINK_S_MAX, Slot
from appliance.words import N_


def schedule(parts: PolicyParts) -> Judged:
    """How often and how long."""
    yield (
        1 <= len(parts.windows) <= WINDOWS_MAX,
        Broken(
            "window",
            WINDOWS_MAX,
            N_("1 to {most} windows are needed"),
            N_("Write one line `window` for each time of day at which the box may connect."),
            most(WINDOWS_MAX),
        ),
    )
    yield (
        1 <= len(parts.scrubs) <= SCRUBS_MAX,
        Broken(
            "scrub",
            SCRUBS_MAX,
            N_("1 to {most} scrub slots are needed"),
            N_("Write one line `scrub` for each time of day at which the drives may be read."),
            most(SCRUBS_MAX),
        ),
    )
    for place, item in enumerate(parts.windows):
        yield (
            0 < item.link_s < item.slot.length_s,
            Broken(
                "window",
                place,
                N_("a window has no link half or no drive half"),
                N_("`link=` must be shorter than the window: the rest is for the drives."),
            ),
        )
        yield (
            item.link_s <= LINK_S_MAX,
            Broken("window", place, N_("a link half of more than 2 hours"), N_("`link=120m` is the most.")),
        )
    yield (
        sum(item.link_s for item in parts.windows) <= LINK_DAY_S_MAX,
        Broken(
            "window",
            max(0, len(parts.windows) - 1),
            N_("link halves of more than 4 h a day"),
            N_("Shorten `link=` or remove a window: no signature lifts this bound."),
        ),
    )
    for place in _overlapping([item.slot for item in parts.windows]):
        yield (
            False,
            Broken(
                "window",
                place,
                N_("two windows overlap"),
                N_("Let a window end before the next one begins, across midnight and zones too."),
            ),
        )


def groups(parts: PolicyParts) -> Judged:
    """The drives of each group."""
    yield (
        1 <= len(parts.groups) <= GROUPS_MAX,
        Broken(
            "drives",
            GROUPS_MAX,
            N_("1 to {most} drive groups are needed"),
            N_("Write one line `drives` for each group, such as `drives 4+2 write=5`."),
            most(GROUPS_MAX),
        ),
    )
    yield (
        sum(group.geometry.drives for group in parts.groups) <= DRIVES_MAX,
        Broken(
            "drives",
            max(0, len(parts.groups) - 1),
            N_("more than {most} drives together"),
            N_("Remove a group or make it smaller."),
            most(DRIVES_MAX),
        ),
    )
    yield (
        sum(not group.sealed for group in parts.groups) == 1,
        Broken(
            "drives",
            0,
            N_("not exactly one drive group is current"),
            N_("End every line `drives` but one with ` sealed`."),
        ),
    )


def sources(parts: PolicyParts) -> Judged:
    """The trees to pull."""
    yield (
        1 <= len(parts.sources) <= SOURCES_MAX,
        Broken(
            "source",
            SOURCES_MAX,
            N_("1 to {most} sources are needed"),
            N_("Write one line `source` for each tree to pull."),
            most(SOURCES_MAX),
        ),
    )
    for place in repeated([item.name for item in parts.sources]):
        yield False, Broken("source", place, N_("two sources have one name"), N_("Rename one of them."))
    for place, item in enumerate(parts.sources):
        sound = item.path.startswith(b"/") and b"\0" not in item.path and len(item.path) <= PATH_BYTES_MAX
        yield (
            sound,
            Broken(
                "source",
                place,
                N_("the path of source {name} is not an absolute path of 1-{most} bytes"),
                N_("Begin it with `/`; write bytes other than A-Z a-z 0-9 / . _ - ~ as %XX."),
                (("name", item.name), ("most", PATH_BYTES_MAX)),
            ),
        )
        yield (
            is_source_name(item.name),
            Broken(
                "source",
                place,
                N_("the name of a source is not 1 to 32 of the characters a-z 0-9 _ -"),
                N_("Choose another name."),
            ),
        )
        yield (
            0 <= item.tier <= TIER_MAX,
            Broken(
                "source",
                place,
                N_("the tier of source {name} is not 0 to {most}"),
                N_("0 is pulled first: identity and keys."),
                (("name", item.name), ("most", TIER_MAX)),
            ),
        )


def delay(parts: PolicyParts) -> Judged:
    """How long a change waits."""
    yield (
        0 < parts.delay.seconds <= DELAY_S_MAX,
        Broken(
            "delay", 0, N_("the delay is not 1 second to 30 days"), N_("Write for example `delay 72h`.")
        ),
    )


def _overlapping(slots: Sequence[Slot]) -> list[int]:
    """The places of daily slots that begin inside another one, also across midnight."""
    return [
        place
        for place, slot in enumerate(slots)
        if any(
            (slot.begin_utc_s - other.begin_utc_s) % DAY_S < other.length_s
            for number, other in enumerate(slots)
            if number != place
        )
    ]
