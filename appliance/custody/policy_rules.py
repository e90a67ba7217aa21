"""The rules between a policy's parts, all together. A Policy that exists keeps all of them.

Each names the keyword of the line that breaks it, what is wrong and what to write instead, so that a
person who edits a copy can be told (custody/policy_draft.py). The interlock has the same rules in a
reader of its own (firmware/PROTOCOL.md 6.2). Signatures are custody/votes.py's. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.custody import holder_rules, schedule_rules
from appliance.custody.broken_rule import Broken
from appliance.custody.policy_facts import DriveGroup, Generation, Holder, PolicyParts
from appliance.domain.geometry import Geometry
from appliance.errors import PolicyInvalid

_RULES = (
    holder_rules.head,
    holder_rules.holders,
    holder_rules.generations,
    schedule_rules.schedule,
    schedule_rules.groups,
    schedule_rules.sources,
    schedule_rules.delay,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(PolicyParts):
    """Everything that k holders signed. PolicyInvalid when a rule between the parts is broken."""

    def __post_init__(self) -> None:
        first = next(broken(self), None)
        if first is not None:
            raise PolicyInvalid(detail=first.english())

    @property
    def generation(self) -> Generation:
        """The newest one: new packs are sealed to it."""
        return self.generations[-1]

    @property
    def geometry(self) -> Geometry:
        """Of the current drive group."""
        return self.current.geometry

    @property
    def current(self) -> DriveGroup:
        """The one drive group that is not sealed."""
        return next(group for group in self.groups if not group.sealed)

    def holder(self, number: int) -> Holder | None:
        """The holder with this number, if there is one."""
        return next((holder for holder in self.holders if holder.number == number), None)


def broken(parts: PolicyParts) -> Iterator[Broken]:
    """Every rule that is broken, in the order of the text's lines."""
    for rules in _RULES:
        yield from (rule for holds, rule in rules(parts) if not holds)
