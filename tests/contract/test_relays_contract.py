"""ports.Relays and the controller's senses: the emulated board's channel and gpiozero's pins alike.

What copper does is read from the twin's circuit, never from the adapter. On a wired bench the same is tried
by test_wired_bench.py.
"""

from collections.abc import Callable

import pytest

from appliance.domain.ids import Bay
from hw.twin import scenario
from tests.contract.pin_bench import MAKERS, Controls, PinBench
from tests.unit.twin_bench import BAYS, BOARD, Boot

SETTLE_MS = 100  # ms of the box; every contact has moved

EVERY = [Bay(number) for number in range(1, BAYS + 1)]


@pytest.fixture(params=sorted(MAKERS))
def bench(request: pytest.FixtureRequest) -> PinBench:
    return PinBench(MAKERS[request.param])


def test_the_controllers_half_alone_connects_nothing(bench: PinBench) -> None:
    """Safety: no permit of the interlock, no current in any coil."""

    def act(boot: Boot, controls: Controls) -> None:
        controls.energise_link(k1=True, k2=True)
        boot.controller.sleep_ms(SETTLE_MS)
        controls.energise_link(k1=False, k2=False)
        controls.energise_drives(EVERY)
        boot.controller.sleep_ms(SETTLE_MS)

    bench.play(act)
    totals = bench.bench.plant.totals
    assert (totals.link_ms, totals.drives_ms) == (0, 0)


def test_with_the_interlocks_half_a_whole_window_connects_link_and_drives_and_never_both(
    bench: PinBench,
) -> None:
    """Liveness."""
    assert bench.window()
    totals = bench.bench.plant.totals
    assert totals.link_ms >= bench.bench.intake_ms
    assert totals.drives_ms > 0
    assert totals.never_both


def test_the_pins_are_those_of_the_profile_and_exactly_those_asked_for(bench: PinBench) -> None:
    seen: list[int | None] = []

    def act(boot: Boot, controls: Controls) -> None:
        acts: list[Callable[[], None]] = [
            lambda: controls.energise_link(k1=True, k2=False),
            lambda: controls.energise_link(k1=False, k2=True),
            lambda: controls.energise_drives([Bay(1), Bay(3)]),
            lambda: controls.energise_drives([Bay(2)]),
            lambda: controls.energise_link(k1=False, k2=False),
            lambda: controls.energise_drives([]),
        ]
        for energise in acts:
            energise()
            boot.controller.sleep_ms(SETTLE_MS)
            seen.append(bench.bench.plant._gpio)

    bench.play(act)
    k1, k2 = (1 << pin for pin in BOARD.pins.link)
    one, two, three = (1 << pin for pin in BOARD.pins.drives[:3])
    assert seen == [k1, k2, k2 | one | three, k2 | two, two, 0]


def test_the_senses_show_hands_and_copper_as_they_are(bench: PinBench) -> None:
    def act(boot: Boot, controls: Controls) -> None:
        boot.controller.sleep_ms(SETTLE_MS)
        before = controls.senses()
        contacts = (before.k1_conducting, before.k2_conducting, before.k3_on_link)
        assert not any(contacts)
        assert (before.key_turned, before.cut_pressed) == (False, False)
        bench.bench.plant.turn_key(turned=True)
        boot.controller.sleep_ms(SETTLE_MS)
        assert controls.senses().key_turned
        bench.bench.plant.turn_key(turned=False)
        bench.bench.plant.press_cut(pressed=True)
        boot.controller.sleep_ms(SETTLE_MS)
        after = controls.senses()
        assert (after.key_turned, after.cut_pressed) == (False, True)
        bench.bench.plant.press_cut(pressed=False)

    bench.play(act)


def test_the_senses_show_a_link_that_conducts(bench: PinBench) -> None:
    seen: list[tuple[bool, bool]] = []
    make = bench.make

    def watched(boot: Boot) -> Controls:
        controls = make(boot)
        boot.controller.say = lambda *_, **__: None  # type: ignore[method-assign]
        inner = controls.energise_link

        def energise(k1: bool, k2: bool) -> None:
            inner(k1, k2)
            now = controls.senses()
            seen.append((now.link, now.k3_on_link))

        controls.energise_link = energise  # type: ignore[method-assign]
        return controls

    bench.make = watched
    assert bench.window()
    assert (True, True) in seen  # when the link is released after its work, it still conducts
    assert seen[0] == (False, False)


def test_a_wire_that_broke_reads_as_what_forbids(bench: PinBench) -> None:
    """The profile's pulls, by the twin and by gpiozero alike."""
    events = (
        f'[[event]]\nat_s = 0\ndo = "open_sense"\nline = "{line}"\nside = "controller"\n'
        for line in ("k1_conducting", "key_turned")
    )
    bench.bench.scenario = scenario.parse("".join(events), bays=BAYS)

    def act(boot: Boot, controls: Controls) -> None:
        boot.controller.sleep_ms(SETTLE_MS)
        now = controls.senses()
        assert (now.k1_conducting, now.key_turned) == (True, False)

    bench.play(act)
