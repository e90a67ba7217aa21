"""libFuzzer against the firmware's C: the frame parser, and the step behind an open session."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import depth
from tests.firmware import host_build

pytestmark = pytest.mark.needs("interlock_host", "libfuzzer")
CORPUS = Path(__file__).parent / "fuzz_corpus"
RUNS = depth.many(3_000, 500_000)
TARGETS = ("FUZZ_FRAME", "FUZZ_STEP")


def fuzz(program: Path, target: str, made: Path, runs: int) -> subprocess.CompletedProcess[bytes]:
    """New inputs go to `made`; the stored ones are read only."""
    made.mkdir()
    options = [f"-runs={runs}", "-seed=1", "-max_len=2000", f"-artifact_prefix={made}/"]
    command = [str(program), *options, str(made), str(CORPUS / target.lower())]
    return subprocess.run(command, capture_output=True, check=False)


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_makes_the_firmware_stumble(tmp_path: Path, target: str) -> None:
    assert len(list((CORPUS / target.lower()).iterdir())) > 10
    done = fuzz(host_build.fuzzer(target), target, tmp_path / "made", RUNS)
    assert done.returncode == 0, done.stderr[-3000:].decode(errors="replace")


@pytest.mark.planted
@pytest.mark.parametrize(
    ("target", "change"),
    [
        ("FUZZ_FRAME", ("frame.c", "if (raw < RAW_BYTES_MIN || raw > RAW_BYTES_MAX) return false;", "")),
        ("FUZZ_STEP", ("fields.c", "if (r->bad || bytes > r->bytes - r->at) {", "if (r->bad) {")),
    ],
)
def test_a_missing_bound_is_found(tmp_path: Path, target: str, change: host_build.Change) -> None:
    program = host_build.fuzzer(target, planted=[change])
    done = fuzz(program, target, tmp_path / "made", 50_000)
    assert b"Sanitizer" in done.stderr
