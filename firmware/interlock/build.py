"""Builds the interlock's images: compile, link, boot checksum, image checksum, size, stack bound, SHA-256.

`python -m firmware.interlock.build [FOLDER]`. The same sources give the same bytes in every folder. Does not
flash anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.interlock import foreign, stack

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "build" / "firmware"
PREFIX = "arm-none-eabi-"
PACKAGE = "gcc-arm-none-eabi"
PLATFORM = (
    *("boot2.S", "start.S", "start.c", "bytes.c", "tick.c", "lines.c", "serial.c", "bus.c", "clock_chip.c"),
    "memory_chip.c",
)
LOGIC = tuple(sorted(path.name for path in (HERE / "logic").glob("*.c")))
# image → its sources beside the platform's
IMAGES: Mapping[str, tuple[str, ...]] = {
    "drivers": ("rp2040/drivers_image.c", "logic/crc.c"),
    "interlock": ("rp2040/interlock_image.c", "rp2040/crypto_check.c", *(f"logic/{name}" for name in LOGIC)),
}
FLASH = 0x1000_0000
BOOT2_BYTES = 256  # bytes, the last four of them the checksum (RP2040 datasheet 2.8.1.3.1)

WARNINGS = (
    "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wmissing-prototypes",
    "-Wvla", "-Wundef",
)
COMPILE = (
    "-mcpu=cortex-m0plus", "-mthumb", "-Os", "-ffreestanding", "-fno-common", "-Irp2040",
    "-ffunction-sections", "-fdata-sections", "-fcallgraph-info=su", "-fno-ident",
    "-fno-tree-loop-distribute-patterns",  # or memset would be made of a call of memset
)
OWN = ("-std=c11", "-Ilogic", *foreign.INCLUDES, *WARNINGS)
FOREIGN = ("-std=gnu11", "-DBR_ARMEL_CORTEXM_GCC=1", *foreign.INNER_INCLUDES)  # it multiplies in assembly
LINK = ("-mcpu=cortex-m0plus", "-mthumb", "-nostdlib", "-Wl,--gc-sections", "-Wl,--fatal-warnings",
        "-Wl,--build-id=none", "-T", "rp2040/memory.ld")


class BuildFailedError(RuntimeError):
    """A compiler that is absent or did not like the sources; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image. `variables_bytes`: RAM beside the stack; `stack_bytes`: the computed worst case."""

    name: str
    data: bytes
    variables_bytes: int
    stack_bytes: int
    symbols: Mapping[str, int]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def boot2_checksum(code: bytes) -> int:
    """CRC-32 as the boot ROM counts it: polynomial 04C11DB7, not reflected, no final inversion."""
    crc = 0xFFFFFFFF
    for byte in code:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def build(name: str, folder: Path, *, sources: Path = HERE) -> Image:
    """The image `name`, with its objects and map in `folder`/`name`. Raises BuildFailedError."""
    place = folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    place = place.resolve()
    own = [*(f"rp2040/{file}" for file in PLATFORM), *IMAGES[name]]
    objects = [_compiled(source, [*OWN, f"-ffile-prefix-map={sources}=."], place, sources) for source in own]
    graphs = [place]
    if name != "drivers":
        graphs.append(_foreign(sources))
        objects += sorted(str(path) for path in graphs[1].glob("*.o"))
    elf, plain = place / f"{name}.elf", place / f"{name}.plain"
    # libgcc for what the core has no instruction for: division.
    _run("gcc", [*LINK, f"-Wl,-Map={place / 'map'}", *objects, "-lgcc", "-o", str(elf)], sources)
    _run("objcopy", ["-O", "binary", str(elf), str(plain)], sources)
    data = _sealed(plain.read_bytes())
    (folder / f"{name}.bin").write_bytes(data)
    sizes = _run("size", [str(elf)], sources).splitlines()[1].split()
    initial, zeroed = (int(size) for size in sizes[1:3])
    named = (line.split() for line in _run("nm", ["--defined-only", str(elf)], sources).splitlines())
    return Image(
        name=name,
        data=data,
        variables_bytes=initial + zeroed,
        stack_bytes=stack.bound(
            path.read_text(encoding="utf-8") for one in graphs for path in sorted(one.glob("*.ci"))
        ),
        symbols={symbol: int(address, 16) for address, _, symbol in named},
    )


def _compiled(source: str, options: Sequence[str], place: Path, folder: Path) -> str:
    path = Path(source)
    made = str(place / f"{path.parent.name}+{path.name}.o")  # both folders have a lines.c
    _run("gcc", [*COMPILE, *options, "-c", source, "-o", made], folder)
    return made


def _foreign(sources: Path) -> Path:
    """The folder with the objects of the foreign C, which are made once for a compiler and its options."""
    if lacking := foreign.lacking():
        raise BuildFailedError(lacking)
    words = (sources / "rp2040" / "string.h").read_text("utf-8")  # all that it has of a C library
    made_from = repr((COMPILE, FOREIGN, words, _run("gcc", ["--version"], sources), foreign.BEARSSL))
    place = OUT.parent / "firmware-foreign" / hashlib.sha256(made_from.encode()).hexdigest()[:16]
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            shift = f"-ffile-prefix-map={foreign.PLACE}=."
            for file in foreign.sources():
                _compiled(str(file), [*FOREIGN, shift], Path(folder), sources)
            with contextlib.suppress(OSError):  # somebody else was faster
                Path(folder).rename(place)
            Path(folder).mkdir(exist_ok=True)
    return place


def _sealed(plain: bytes) -> bytes:
    """With the boot ROM's checksum in its place and our own over everything behind the end."""
    checksum = boot2_checksum(plain[: BOOT2_BYTES - 4])
    image = plain[: BOOT2_BYTES - 4] + checksum.to_bytes(4, "little") + plain[BOOT2_BYTES:]
    return image + zlib.crc32(image).to_bytes(4, "little")


def _run(tool: str, arguments: Sequence[str], folder: Path) -> str:
    program = shutil.which(PREFIX + tool)
    if program is None:
        raise BuildFailedError(f"{PREFIX}{tool} is absent; please type once:  sudo apt-get install {PACKAGE}")
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailedError(done.stderr or f"{PREFIX}{tool} failed")
    return done.stdout


def table(images: Sequence[Image]) -> str:
    """The figures that README.md shows, one line an image."""
    lines = ["| image | flash | variables | stack, worst case |", "|---|---|---|---|"]
    lines += [
        f"| `{image.name}` | {len(image.data)} B | {image.variables_bytes} B | {image.stack_bytes} B |"
        for image in images
    ]
    return "\n".join(lines)


def memory_map(image: Image) -> str:
    """Where what lies in `image`, as README.md shows it."""
    at = image.symbols
    places = (
        ("boot2, with the boot ROM's checksum", FLASH, FLASH + BOOT2_BYTES),
        ("vectors, code, constants", FLASH + BOOT2_BYTES, at["data_image"]),
        ("first values of variables", at["data_image"], FLASH + at["image_bytes"]),
        ("CRC-32 over all before it", FLASH + at["image_bytes"], FLASH + len(image.data)),
        ("stack, downwards from its end", at["stack_bottom"], at["stack_top"]),
        ("variables with a first value", at["data_begin"], at["data_end"]),
        ("variables that begin as zeros", at["data_end"], at["bss_end"]),
    )
    lines = [f"| addresses of `{image.name}` | what |", "|---|---|"]
    lines += [f"| `{begin:08x}`-`{end - 1:08x}` | {what} |" for what, begin, end in places if end > begin]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Builds all images and prints their figures."""
    folder = Path(arguments[0]) if arguments else OUT
    try:
        images = [build(name, folder) for name in IMAGES]
    except BuildFailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(images))
    print(memory_map(images[-1]))
    for image in images:
        print(f"SHA-256 {image.digest}  {folder / image.name}.bin")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
