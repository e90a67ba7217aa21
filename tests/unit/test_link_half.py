"""The link half against the golden model on the virtual clock: relays that are late cost no window."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.domain.phases import Phase
from appliance.errors import ContactTestFailed, ContactTestRepeated, InterlockRefused
from appliance.service import link_half
from firmware.model import limits
from firmware.wire import codes
from hw.twin.loopback import LoopbackController
from tests.firmware import box
from tests.unit.twin_bench import Bench, Boot

LONG_WINDOW = ["window 12:10:00-12:20:00 daily +00:00 link=500s"]


class Heard:
    """ports.Console that remembers warnings."""

    def __init__(self) -> None:
        self.codes: list[object] = []

    def say(self, event: str, **fields: object) -> None:
        assert event == "warning"
        self.codes.append(fields["code"])


def both_at_once(boot: Boot) -> None:
    """Contacts that follow so late that the test never sees one of them alone."""
    boot.channel.energise_link(k1=True, k2=True)
    boot.keeper._contact_steps.clear()


def none_at_all(boot: Boot) -> None:
    """Contacts that do not move."""
    boot.channel.energise_link(k1=False, k2=False)
    boot.keeper._contact_steps.clear()


def window_with(
    spoil: Callable[[Boot], None], times: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[Bench, Heard, list[Exception]]:
    """A window whose first `times` contact tests are spoiled, how it went, and what `connect` raised."""
    bench, heard, tests = Bench(policy=box.policy_text(windows=LONG_WINDOW)), Heard(), [0]
    raised: list[Exception] = []

    def programs(boot: Boot) -> Callable[[LoopbackController], None]:
        grant = boot.keeper.request_link

        def request() -> None:
            grant()
            tests[0] += 1
            if tests[0] <= times:
                spoil(boot)

        def run(_: LoopbackController) -> None:
            if boot.keeper.boot().phase is not Phase.ISOLATED or tests[0]:
                boot.keeper.work_done()
                return
            monkeypatch.setattr(boot.keeper, "request_link", request)
            try:
                link_half.connect(boot.keeper, boot.pulse, heard)
            except (ContactTestFailed, InterlockRefused) as error:
                raised.append(error)
            boot.keeper.work_done()

        return run

    bench.birth()
    bench.programs = programs
    bench.window(limit_s=400)
    return bench, heard, raised


def test_a_contact_that_was_late_once_costs_a_gap_and_a_warning_and_not_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, heard, raised = window_with(both_at_once, 1, monkeypatch)
    assert raised == []
    assert heard.codes == [ContactTestRepeated.code]
    assert bench.plant.totals.never_both
    assert bench.plant.phase is codes.Phase.ISOLATED


def test_a_test_that_never_conducted_is_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, heard, raised = window_with(none_at_all, 1, monkeypatch)
    assert raised == []
    assert heard.codes == []


def test_contacts_that_never_pass_end_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    _, heard, raised = window_with(both_at_once, limits.TESTS_FAILED_MAX, monkeypatch)
    assert [type(error) for error in raised] == [ContactTestFailed]
    assert len(heard.codes) == link_half.CONNECT_TRIES - 1


@pytest.mark.planted
def test_a_controller_that_does_not_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_half, "wait_for_the_gap", lambda *_: None)
    _, _, raised = window_with(both_at_once, 1, monkeypatch)
    assert [error.values["cause"] for error in raised if isinstance(error, InterlockRefused)] == [
        "GAP_TOO_SHORT"
    ]
