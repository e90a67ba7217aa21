"""The build: the same bytes anywhere, no warning, figures as written down, a stack bound that is one."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from firmware.interlock import build, stack
from tests.firmware import images
from tests.tidy.tree import PROJECT

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "interlock_host")

FOLDER = PROJECT / "firmware" / "interlock"
OWN_LINES_MAX = 1000  # of the platform; not its test image, blank lines, comments; logic/ has its own test
STACK_BYTES = 16 << 10  # memory.ld
PLATFORM = FOLDER / "rp2040"


def copied(place: Path) -> Path:
    """The sources in another folder."""
    for name in ("rp2040", "logic"):
        shutil.copytree(FOLDER / name, place / name)
    return place


def test_two_builds_in_different_folders_have_the_same_bytes(tmp_path: Path) -> None:
    sources = copied(tmp_path / "somewhere" / "else")
    for name in build.IMAGES:
        assert build.build(name, tmp_path / "out", sources=sources).digest == images.image(name).digest


@pytest.mark.planted
def test_another_source_has_other_bytes_and_a_warning_is_an_error(tmp_path: Path) -> None:
    sources = copied(tmp_path / "sources")
    pins = sources / "rp2040" / "pins.h"
    pins.write_text(pins.read_text().replace("PIN_SENSE_K1 9", "PIN_SENSE_K1 8"))
    assert build.build("drivers", tmp_path / "a", sources=sources).digest != images.image("drivers").digest
    with (sources / "rp2040" / "tick.c").open("a") as tick:
        tick.write("static int unused;\n")
    with pytest.raises(build.BuildFailedError, match="unused"):
        build.build("drivers", tmp_path / "b", sources=sources)


def test_the_readme_shows_the_figures_of_this_build() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    assert build.table([images.image(name) for name in build.IMAGES]) in page
    assert build.memory_map(images.image("interlock")) in page


def test_the_stack_has_room_for_twice_the_bound() -> None:
    assert all(2 * images.image(name).stack_bytes <= STACK_BYTES for name in build.IMAGES)
    assert f"LENGTH = {STACK_BYTES >> 10}K" in (PLATFORM / "memory.ld").read_text("utf-8")


def test_the_boot_checksum_is_the_boot_roms() -> None:
    assert build.boot2_checksum(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2's check value
    data = images.image("drivers").data
    assert build.boot2_checksum(data[:252]).to_bytes(4, "little") == data[252:256]


def test_our_own_lines_of_the_platform_stay_few() -> None:
    kinds = {".c", ".h", ".S", ".ld"}
    files = [path for path in PLATFORM.iterdir() if path.suffix in kinds and path.name != "drivers_image.c"]
    texts = [path.read_text("utf-8") for path in files]
    plain = [re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) for text in texts]
    assert 300 < sum(bool(line.strip()) for text in plain for line in text.splitlines()) <= OWN_LINES_MAX


def test_the_board_profile_and_the_firmware_name_the_same_pins() -> None:
    text = (PLATFORM / "pins.h").read_text("utf-8")
    defined = re.findall(r"#define (?:PIN_)?(\w+) (\d+)\b", text)
    profile = tomllib.loads((PROJECT / "hw" / "boards" / "emulated.toml").read_text("utf-8"))["interlock"]
    profile.pop("source")
    assert {name.lower(): int(number) for name, number in defined} == profile
    single = [number for name, number in profile.items() if name not in {"bay_1", "sense_bay_1", "bays"}]
    bays = [profile[first] + bay for first in ("bay_1", "sense_bay_1") for bay in range(profile["bays"])]
    assert len({*single, *bays}) == len(single) + len(bays)
    assert max(bays) < 30  # GPIO 0 to 29


GRAPH = """node: {{ title: "start" label: "start\\n10 bytes (static)" }}
node: {{ title: "deep" label: "deep\\n{deep} bytes ({kind})" }}
node: {{ title: "serial_interrupt" label: "s\\n4 bytes (static)" }}
node: {{ title: "tick_interrupt" label: "t\\n8 bytes (static)" }}
node: {{ title: "fault" label: "f\\n0 bytes (static)" }}
edge: {{ sourcename: "start" targetname: "deep" label: "x" }}
{more}
"""


def test_the_bound_is_the_deepest_chain_and_every_interrupt_on_it() -> None:
    graph = GRAPH.format(deep=100, kind="static", more="")
    assert stack.bound([graph]) == 10 + 100 + 4 + 8 + 4 * stack.SWITCH_BYTES + 3 * stack.EXCEPTION_BYTES


@pytest.mark.planted
@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("static", 'edge: { sourcename: "deep" targetname: "start" label: "x" }', "calls itself"),
        ("static", 'edge: { sourcename: "deep" targetname: "__indirect_call" label: "x" }', "no frame"),
        ("dynamic", "", "no fixed size"),
    ],
)
def test_a_stack_that_cannot_be_bounded_is_an_error(kind: str, more: str, named: str) -> None:
    with pytest.raises(stack.UnboundedError, match=named):
        stack.bound([GRAPH.format(deep=100, kind=kind, more=more)])


def test_without_a_compiler_the_line_to_type_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.main([str(tmp_path / "out")]) == 1
    assert "sudo apt-get install gcc-arm-none-eabi" in capsys.readouterr().err
