"""Scenario files: every deed can be said, mistakes are named, and a seed always draws the same."""

from pathlib import Path

import pytest

from hw import profile
from hw.twin import scenario
from hw.twin.circuit import Throw
from hw.twin.scenario import DEEDS, ScenarioInvalid
from hw.twin.senses import Side

SCENARIOS = Path(profile.__file__).parent / "scenarios"
FIELDS = {
    "target": 'target = "d2"',
    "throw": 'throw = "link"',
    "bay": "bay = 3",
    "line": 'line = "d1_live"',
    "level": "level = true",
    "side": 'side = "interlock"',
    "bytes": "bytes = 100",
    "ms": "ms = 20",
    "supply": 'supply = "drives"',
    "bays": "bays = [2, 3, 1]",
    "celsius": "celsius = -5",
    "ppm": "ppm = -20",
}


def event(do: str, *more: str) -> str:
    return "\n".join(["[[event]]", 'in_phase = "INTAKE"', "after_s = 2.5", f'do = "{do}"', *more])


@pytest.mark.parametrize("do", DEEDS)
def test_every_deed_can_be_said(do: str) -> None:
    (deed,) = scenario.parse(event(do, *(FIELDS[name] for name in DEEDS[do])), bays=3).deeds
    assert deed.do == do
    assert deed.trigger.after_ms == 2500


def test_fields_are_understood() -> None:
    text = event("stick", FIELDS["line"], FIELDS["level"]) + "\n" + event("stick_k3", FIELDS["throw"])
    stick, k3 = scenario.parse(text, bays=3).deeds
    assert stick.sides == tuple(Side)
    assert stick.level
    assert k3.throw is Throw.LINK


@pytest.mark.parametrize(
    "text",
    [
        "[[event]]",
        event("explode"),
        event("weld"),
        event("weld", 'target = "k9"'),
        event("pull", "bay = 4"),
        event("press_cut", "bay = 1"),
        event("stick", 'line = "x"', "level = true"),
        event("stick", 'line = "d1_live"', "level = 1"),
        event("weld", 'target = "k1"').replace("INTAKE", "LUNCH"),
        event("weld", 'target = "k1"').replace("2.5", "-1"),
        '[[event]]\nat_s = 1\nin_phase = "SEAL"\ndo = "turn_key"',
        event("weld", 'target = "k3"'),
        event("short_driver", 'target = "k3"'),
        event("bounce", 'target = "k1"', "ms = 21"),
        event("brown_out", "bays = []", "ms = 5"),
        event("brown_out", "bays = [1, 1]", "ms = 5"),
        event("brown_out", "bays = 1", "ms = 5"),
        event("brown_out", "bays = [true]", "ms = 5"),
        event("brown_out", "bays = [1]", "ms = 60001"),
        event("reenumerate", "bays = [1, 2]"),
        event("short_pump", 'supply = "both"'),
        event("heat", "celsius = 126"),
        event("heat", "celsius = 20.5"),
        event("drift", "ppm = -900001"),
        "other = 1",
        "[event]\n",
        "not toml",
        "[[event]]\nat_s = 1\ndo = 'turn_key'\n" * 257,
    ],
)
def test_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(ScenarioInvalid):
        scenario.parse(text, bays=3)


def test_a_seed_always_draws_the_same_scenario() -> None:
    assert scenario.draw(7, bays=3) == scenario.draw(7, bays=3)
    assert len({scenario.draw(seed, bays=3) for seed in range(20)}) > 10


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_example_scenarios_are_sound(path: Path) -> None:
    assert scenario.parse(path.read_text(encoding="utf-8"), bays=6).deeds


def test_the_readme_names_every_deed() -> None:
    text = (SCENARIOS.parent / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in row.split("|")[1].replace("`", "").split()}
    assert named == set(DEEDS)
