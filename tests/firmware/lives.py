"""Power-ons of the real image, each in a process of its own that begins where the boot self-test has passed.

The self-test takes ten seconds to emulate and leaves the same chip every time, so it is emulated once a run:
every life is a fork of that moment. What outlives a power cut (memory, clock, plans) is carried as a pickle.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from tests.firmware.box import NOON_S
from tests.firmware.interlock_board import InterlockBoard

Result = TypeVar("Result")
SELF_TEST_MS_MAX = 1000


@cache
def tested() -> InterlockBoard:
    """A board whose image has just passed its self-test and has not looked at its memory yet."""
    board = InterlockBoard([b"", b""], NOON_S)
    passed = []

    def stop() -> None:
        passed.append(True)
        board.chip.stop()

    board.chip.on_call("crypto_check", lambda: board.chip.on_return(stop))
    board.chip.run(SELF_TEST_MS_MAX)
    assert passed, f"dark: {board.chip.chip.watchdog.scratch_data[0]:#x}"
    return board


def apart(act: Callable[[], Result]) -> Result:
    """`act` in a fork of this process, and what it returns; raises AssertionError with what it raised."""
    tested()  # here, so that no child has to do it for itself alone
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = pickle.dumps((act(), ""))
        except BaseException:  # noqa: BLE001 - whatever it is, it is the parent's to report
            said = pickle.dumps((None, traceback.format_exc()))
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    result, trouble = pickle.loads(said)  # noqa: S301 - our own child wrote it
    assert not trouble, trouble
    return result  # type: ignore[no-any-return]
