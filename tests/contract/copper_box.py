"""A born vault on a board of copper, up to its pins, its terminal and its disks: the twin lives behind.

The drives are ext4 on loop devices, which answer while the twin says that their bay has come up. The box
lives in a thread of its own; the controller's clock follows the box's: a busy machine only slows both.
"""

from __future__ import annotations

import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.adapters.bay_devices import BayDevice
from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.entropy import SeededEntropy
from appliance.compose.wired_board import Ends
from hw import channel, profile
from hw.channel import PinLevels
from hw.twin import virtual_time
from hw.twin.device import InterlockDevice, MakeDevice
from hw.twin.loopback import Halted, LoopbackController, SupplyLost
from hw.twin.memory import FileMemory
from hw.twin.plant import Plant
from tests.block import private_mounts, rack
from tests.contract.loop_bays import LoopBays
from tests.contract.man_in_the_middle import Cable
from tests.contract.twin_pins import TwinFactory
from tests.simulation.virtual_box import VirtualBox

BAYS = 6
BOARD = profile.load("emulated")
DISK_BYTES = 32 << 20
SLICE_MS = 5  # ms of both clocks
BOOT_S = 120  # s of ours that a boot may take to come, on a busy machine


@dataclass
class CopperBoot:
    """The wires of one boot of the controller. After the loss of its supply they are dead."""

    plant: Plant
    medium: str
    controller: LoopbackController
    channel: BoardChannel = field(init=False)

    def __post_init__(self) -> None:
        self.channel = BoardChannel(self.controller, BOARD, self.controller)

    def tell(self, levels: int) -> None:
        try:
            self.controller.send(channel.encode(PinLevels(levels)))
        except (SupplyLost, Halted):
            return

    def levels(self) -> int:
        try:
            return self.channel.inputs().levels
        except (SupplyLost, Halted):
            return 0

    def up(self) -> int:
        try:
            return self.channel.inputs().up
        except (SupplyLost, Halted):
            return 0

    def carries(self) -> bool:
        try:
            return self.channel.inputs().carrier
        except (SupplyLost, Halted):
            return False

    # appliance.ports.Clock

    def monotonic_ms(self) -> int:
        return self.plant.uptime_ms

    def sleep_ms(self, duration_ms: int) -> None:
        """Until the box has lived so long. SupplyLost where the interlock ends this boot before."""
        end_ms = self.plant.uptime_ms + duration_ms
        while self.plant.uptime_ms < end_ms:
            if self.plant.controller is not self.controller:
                raise SupplyLost
            time.sleep(0.002)


class BoxDisks:
    """block_drives.Devices: a bay's disk answers while the twin says so; each coming up is another one."""

    def __init__(self, boot: CopperBoot, bays: LoopBays, images: dict[int, Path]) -> None:
        self._boot, self._bays, self._images = boot, bays, images
        self._here: dict[int, BayDevice] = {}

    def present(self) -> list[BayDevice]:
        up = self._boot.up()
        for bay, image in self._images.items():
            if up >> (bay - 1) & 1 and bay not in self._here:
                self._here[bay] = self._bays.plug(bay, image)
        return [device for device in self._bays.present() if up >> (device.bay - 1) & 1]

    def is_there(self, device: BayDevice) -> bool:
        return device in self._bays.plugged and bool(self._boot.up() >> (device.bay - 1) & 1)

    def close(self) -> None:
        for device in self._here.values():
            self._bays.unplug(device)


@dataclass
class CopperBox:
    """`vault` was born on the emulated board; its drives are moved onto disks in `place`."""

    vault: VirtualBox
    place: Path
    cable: Cable = field(default_factory=Cable)
    make_device: MakeDevice = InterlockDevice

    def __post_init__(self) -> None:
        self.bays = LoopBays(self.place)
        self.images = {bay: self._image(bay) for bay in range(1, BAYS + 1)}
        self.networks = self.place / "net"
        (self.networks / "eth0").mkdir(parents=True)
        (self.networks / "eth0" / "type").write_text("1\n")
        settings = f'[board]\nname = "cm4"\nserial = "{self.cable.path}"\n'
        (self.vault.root / "config.toml").write_text(settings)
        self._boots: queue.Queue[CopperBoot] = queue.Queue()
        self.plant = Plant(
            profile=BOARD,
            bays=BAYS,
            memory=FileMemory(self.vault.home.emulated),
            entropy=SeededEntropy(7),
            boot=self._boot,
            stop_at_both=True,
            make_device=self.make_device,
        )
        self._media: dict[int, str] = {}

    def _image(self, bay: int) -> Path:
        image = self.place / "images" / f"bay-{bay}"
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        options = ["-q", "-F", "-b", "4096", "-J", "size=4", "-N", "1024", "-d"]
        subprocess.run([rack.mkfs(), *options, self.vault.home.bay(bay), image], check=True)
        return image

    def _boot(self, medium: str) -> LoopbackController:
        made = LoopbackController(self.plant.advance, lambda: self.plant.uptime_ms)
        self._media[id(made)] = medium
        return made

    @contextmanager
    def lives(self) -> Iterator[None]:
        ended, errors = threading.Event(), list[BaseException]()

        def programs(made: LoopbackController) -> Callable[[LoopbackController], None]:
            boot = CopperBoot(self.plant, self._media[id(made)], made)
            self._boots.put(boot)
            return lambda _: self._carry(boot, ended)

        def life() -> None:
            try:
                virtual_time.run(self.plant, programs=programs, until=lambda _: ended.is_set(), limit_s=3600)
            except BaseException as error:  # noqa: BLE001 - carried to the test's thread
                errors.append(error)

        thread = threading.Thread(target=life, name="box")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if errors:
            raise errors[0]

    def _carry(self, boot: CopperBoot, ended: threading.Event) -> None:
        """The serial line and the media converter's network, until the supply is gone."""
        poll = select.poll()
        poll.register(self.cable.far, select.POLLIN)
        carrier = self.networks / "eth0" / "carrier"
        was: bool | None = None
        while not ended.is_set():
            begin = time.monotonic()
            if any(mask & select.POLLIN for _, mask in poll.poll(SLICE_MS)):
                boot.channel.write(os.read(self.cable.far, 4096))
            passed_ms = round((time.monotonic() - begin) * 1000)
            said = boot.channel.read(min(max(1, passed_ms), 2 * SLICE_MS))
            if said:
                os.write(self.cable.far, said)
            now = boot.carries()
            if now is not was:
                was = now
                carrier.write_text("1\n" if now else "0\n")

    def boot(self, medium: str) -> CopperBoot:
        """The next boot, which has to be of this medium."""
        boot = self._boots.get(timeout=BOOT_S)
        assert boot.medium == medium
        return boot

    def ends(self, boot: CopperBoot) -> tuple[Ends, BoxDisks]:
        disks = BoxDisks(boot, self.bays, self.images)
        wires = Ends(
            pins=lambda: TwinFactory(boot.tell, boot.levels),
            networks=str(self.networks),
            disks=lambda _: disks,
            clock=lambda: boot,
        )
        return wires, disks

    def give_back(self) -> None:
        """The disks' content into the bays' folders of the vault's home, to be looked at."""
        for bay, image in self.images.items():
            private_mounts.mount_ext4(image, self.vault.home.bay(bay), self.place / "nodes")

    def close(self) -> None:
        os.close(self.cable.far)
