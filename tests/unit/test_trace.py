"""Traces: what a recorder writes is read back the same, and a file that is none is refused by name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw import trace
from hw.trace import Trace, TraceInvalid
from hw.twin.recorder import Recorder
from tests.unit import recorded_bench, twin_bench
from tests.unit.recorded_bench import RecordedBench, deed


@pytest.fixture(scope="module")
def recorded() -> Trace:
    return recorded_bench.window()


def text(**changed: object) -> bytes:
    fields: dict[str, object] = {
        "iwato-trace": 1, "bays": 2, "end_ms": 100, "unix_ms": 0, "is_cut": False,
        "events": [[0, "power", "on"]], "rows": {"k1": [[0, 0], [50, 1]], "k3": [[0, "drives"]]},
    }  # fmt: skip
    return json.dumps({**fields, **changed}).encode()


def test_a_recorded_window_is_read_back_the_same(recorded: Trace) -> None:
    assert trace.parse(trace.encode(recorded).encode()) == recorded


def test_a_file_has_one_line_for_each_row_and_event_so_that_people_can_read_it(recorded: Trace) -> None:
    lines = trace.encode(recorded).splitlines()
    assert sum(line.lstrip().startswith('"') for line in lines) >= len(recorded.rows)
    assert sum(line.lstrip().startswith("[") for line in lines) == len(recorded.events)


def test_the_recorder_saw_the_whole_window(recorded: Trace) -> None:
    phases = [value for _, value in recorded.rows["phase"]]
    assert " ".join(map(str, phases)) == (
        "UNKNOWN ISOLATED CONTACT_TEST INTAKE AIRLOCK SEAL AIRLOCK ISOLATED"
    )
    assert [event.detail for event in recorded.events if event.kind == "boot"][:2] == ["intake", "sealing"]
    assert recorded.at("link", recorded.end_ms) == 0
    assert recorded.at("controller", recorded.end_ms) == 0
    assert recorded.at("link", -1) is None


def test_deeds_are_named_with_what_they_need_and_nothing_else() -> None:
    stick = deed("stick", 'line = "d1_live"', "level = true")
    bounce = deed("bounce", 'target = "k3"', "ms = 7")
    told = recorded_bench.window(stick + bounce + deed("press_cut"))
    details = [event.detail for event in told.events if event.kind == "deed"]
    assert details == ["stick d1_live high both", "bounce k3 7", "press_cut"]


def test_the_coil_follows_the_order_and_its_contact_the_coil() -> None:
    profile = twin_bench.BOARD
    hung = recorded_bench.window(deed("hang_controller"))  # its pins stay high
    off_ms = [at_ms for at_ms, value in hung.rows["permit_link"] if value == 0][-1]
    coil_ms, contact_ms = hung.rows["k2_coil"][-1][0], hung.rows["k2"][-1][0]
    dark_ms = hung.rows["coil_link"][-1][0]
    assert off_ms <= coil_ms <= dark_ms == off_ms + profile.permit_decay_ms
    assert contact_ms == coil_ms + profile.relay.release_ms


def test_two_power_ons_share_one_axis_that_goes_forward() -> None:
    bench = RecordedBench()
    bench.birth()
    bench.recorder = Recorder()
    for _ in range(2):
        bench.restart()
        bench.run(lambda plant: bool(plant.controller))
    told = bench.recorder.trace()
    assert [event.kind for event in told.events].count("power") == 2
    assert trace.parse(trace.encode(told).encode()) == told


def test_a_recorder_that_is_full_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "CHANGES_MAX", 30)
    told = recorded_bench.window()
    assert told.is_cut
    assert sum(len(row) for row in told.rows.values()) <= 32
    assert trace.parse(trace.encode(told).encode()).is_cut


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "invalid"),
        (b"[" * 100_000, "recursion|truncated|depth|Expected"),
        (text(**{"iwato-trace": 2}), "its version is 2, known is 1"),
        (text(extra=1), "unknown field `extra`"),
        (text(bays=0), ">= 1"),
        (text(bays=17), "<= 16"),
        (text(end_ms=-1), ">= 0"),
        (text(end_ms=10), "its times do not go forward"),
        (text(rows={"k1": [[50, 1], [20, 0]]}), "its times do not go forward"),
        (text(events=[[9, "power", "on"], [3, "boot", "intake"]]), "its times do not go forward"),
        (text(rows={"k1": [[0, 2_000_000]]}), "<= 1000000"),
        (text(rows={"k1": [[0, "x" * 81]]}), "length <= 80"),
        (text(rows={f"r{n}": [] for n in range(257)}), "length <= 256"),
        (text(rows={"k1": [[0, None]]}), "null"),
    ],
)
def test_what_is_no_trace_is_refused(broken: bytes, message: str) -> None:
    with pytest.raises(TraceInvalid, match=message):
        trace.parse(broken)


def test_a_file_that_is_too_long_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "TEXT_BYTES_MAX", 10)
    with pytest.raises(TraceInvalid, match="too long"):
        trace.parse(text())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_trace_or_refused(data: bytes) -> None:
    try:
        trace.parse(data)
    except TraceInvalid:
        return
    pytest.fail("random bytes were taken for a trace")


@given(st.integers(0, len(text()) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_reads_as_a_trace_that_holds_together(place: int, bit: int) -> None:
    data = bytearray(text())
    data[place] ^= 1 << bit
    try:
        read = trace.parse(bytes(data))
    except TraceInvalid:
        return
    assert trace.parse(trace.encode(read).encode()) == read
