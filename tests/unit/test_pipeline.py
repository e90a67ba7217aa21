"""The stages: cuts by content, names by key, blocks that open again, and what a lane makes of them."""

import os
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
import zstandard
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.file_entry import ChunkRef
from appliance.domain.ids import PackId
from appliance.errors import AgePayloadDamaged, BlockInvalid, PackTableInvalid
from appliance.format import age_file, pack, zstd_frame
from appliance.format.age_recipient import Identity
from appliance.format.pack import Block, Codec
from appliance.pipeline import chunk, compress, dedup, flow, seal

MIB = 1 << 20
IDENTITY = Identity.from_seed(b"a reader of the pipeline's packs")
SEED = chunk.seed_of(b"k" * 32)


def noise(length: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(length)


# Chunks -----------------------------------------------------------------------------------------------


def cut_in_steps(content: bytes, step: int) -> list[int]:
    """As the reader does it: cut what is there, carry the rest over."""
    chunker = chunk.Chunker(SEED)
    ends, start, position = [], 0, 0
    while position < len(content):
        position = min(len(content), position + step)
        found = chunker.cuts(memoryview(content)[start:position], last=position == len(content))
        ends += [start + end for end in found]
        start = ends[-1] if ends else 0
    return ends


@pytest.mark.parametrize("length", [1, 5000, MIB, 9 * MIB + 3])
def test_cuts_do_not_depend_on_how_the_bytes_came(length: int) -> None:
    content = noise(length, length)
    whole = chunk.Chunker(SEED).cuts(memoryview(content), last=True)
    assert whole[-1] == length
    assert cut_in_steps(content, 4 * MIB) == whole
    assert cut_in_steps(content, 2 * MIB + 1) == whole


def test_a_chunk_keeps_to_its_limits_and_to_the_average() -> None:
    content = noise(64 * MIB, 1)
    ends = [0, *chunk.Chunker(SEED).cuts(memoryview(content), last=True)]
    lengths = [end - start for start, end in pairwise(ends)]
    assert all(chunk.MIN_BYTES <= length <= chunk.MAX_BYTES for length in lengths[:-1])
    assert 0.8 * MIB < sum(lengths) / len(lengths) < 1.5 * MIB


def test_the_boundaries_of_this_version_do_not_move() -> None:
    """Another version of the library that cuts elsewhere would cost every vault a full intake."""
    ends = chunk.Chunker(12345).cuts(memoryview(noise(8 * MIB, 42)), last=True)
    assert ends == BOUNDARIES


BOUNDARIES = [1136249, 2384355, 3442647, 4187165, 5378022, 6744145, 7481241, 8258858, 8388608]


def test_another_vault_cuts_elsewhere() -> None:
    content = memoryview(noise(16 * MIB, 2))
    one, two = (chunk.Chunker(chunk.seed_of(key * 32)).cuts(content, last=True) for key in (b"1", b"2"))
    assert not set(one[:-1]) & set(two[:-1])
    assert 0 < chunk.seed_of(b"1" * 32) < 1 << 63


def test_an_insertion_moves_only_the_chunks_around_it() -> None:
    content = noise(32 * MIB, 3)
    changed = content[: 10 * MIB] + b"inserted" + content[10 * MIB :]

    def names(data: bytes) -> set[bytes]:
        ends = [0, *chunk.Chunker(SEED).cuts(memoryview(data), last=True)]
        return {blake3(data[a:b]).digest() for a, b in pairwise(ends)}

    assert len(names(changed) - names(content)) <= 3


# Names ------------------------------------------------------------------------------------------------


def test_a_chunk_s_name_needs_the_key_to_be_recognised() -> None:
    names = [dedup.Window(key * 32, lambda _: None).name(b"chunk") for key in (b"1", b"2")]
    assert len({*names, blake3(b"chunk").digest()}) == 3
    with pytest.raises(ValueError, match="key"):
        dedup.Window(b"short", lambda _: None)


def test_two_workers_that_meet_one_chunk_store_it_once() -> None:
    window = dedup.Window(b"k" * 32, lambda _: None)
    name = window.name(b"chunk")
    first, store = window.claim(name, 5)
    second, again = window.claim(name, 5)
    assert (store, again) == (True, False)
    assert first is second


def test_an_earlier_chunk_of_another_length_is_not_this_one() -> None:
    known = ChunkRef(pack=PackId(b"p" * 32), slot=0, length=6)
    window = dedup.Window(b"k" * 32, lambda _: known)
    assert window.claim(window.name(b"chunk6"), 6) == (known, False)
    assert window.claim(window.name(b"chunk"), 5)[1]


# Blocks -----------------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=3000), st.integers(1, 40))
@pytest.mark.clause("FORMAT 3.3")
def test_a_block_opens_to_what_it_was(piece: bytes, times: int) -> None:
    raw = piece * times
    block, stored = compress.Compressor().compress(raw)
    assert len(stored) == block.stored <= block.raw == len(raw)
    assert (block.codec == Codec.RAW) == (block.stored == block.raw)
    assert compress.expand(stored, block) == raw


@pytest.mark.parametrize("length", [1, 1000, 1 << 18, 1 << 20, pack.RAW_BYTES_MAX])
def test_blocks_of_every_length_open_within_their_window(length: int) -> None:
    for raw in (bytes(length), (noise(1000, 1) * (length // 1000 + 1))[:length], noise(length, 2)):
        block, stored = compress.Compressor().compress(raw)
        assert compress.expand(stored, block) == raw


@pytest.mark.clause("FORMAT 3.3")
@pytest.mark.clause("FORMAT 1.4")
def test_a_frame_that_is_not_what_its_table_says_is_refused() -> None:
    frame = zstandard.ZstdCompressor().compress(b"x" * 10_000)
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 10_000)
    bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    dictionary = zstandard.train_dictionary(500, [noise(200, n) for n in range(100)])
    with_dictionary = zstandard.ZstdCompressor(dict_data=dictionary).compress(b"x" * 10_000)
    others = (streamed, bomb, with_dictionary, b"", noise(50, 1))
    for content in (frame + b"x", frame[:-1], frame + frame, *others):
        with pytest.raises(BlockInvalid):
            compress.expand(content, Block(stored=len(content), raw=10_000, codec=Codec.ZSTD))
    for raw in (9_999, 10_001, 1):
        with pytest.raises(BlockInvalid):
            zstd_frame.decode(frame, raw)
    with pytest.raises(BlockInvalid):
        compress.expand(b"12", Block(stored=3, raw=3, codec=Codec.RAW))


# Lanes ------------------------------------------------------------------------------------------------


class Shelf:
    """Packs in memory, as a lane makes them."""

    def __init__(self) -> None:
        self.packs: dict[PackId, bytes] = {}
        self.filled: list[flow.FilledPack] = []
        self._buffers: dict[int, bytearray] = {}

    def lane(self, known: Callable[[dedup.ChunkId], ChunkRef | None] = lambda _: None) -> flow.Lane:
        return flow.Lane(
            window=dedup.Window(b"k" * 32, known),
            solid=memoryview(bytearray(chunk.SOLID_BYTES + chunk.SMALL_BYTES)),
            open_pack=self._open,
            close_pack=self._close,
            filled=self.filled.append,
        )

    def _open(self) -> seal.PackSealer:
        out = bytearray()
        sealer = seal.PackSealer(
            sealer=age_file.sealer(IDENTITY.recipient, os.urandom),
            window=memoryview(bytearray(seal.window_bytes(2))),
            data=2,
            emit=lambda piece, _: out.extend(piece),
        )
        self._buffers[id(sealer)] = out
        return sealer

    def _close(self, sealer: seal.PackSealer) -> seal.SealedPack:
        sealed = sealer.finish()
        self.packs[sealed.id] = bytes(self._buffers.pop(id(sealer))[: sealed.size])
        return sealed

    def reader(self, pack_id: PackId, content: bytes | None = None) -> flow.PackReader:
        data = self.packs[pack_id] if content is None else content

        def pread(buffer: memoryview, offset: int) -> int:
            piece = data[offset : offset + len(buffer)]
            buffer[: len(piece)] = piece
            return len(piece)

        return flow.PackReader(seal.Plaintext(IDENTITY, pread, len(data)))


def chunks_of(lengths: list[int]) -> list[bytes]:
    return [noise(n, place) if place % 2 else bytes([place]) * n for place, n in enumerate(lengths)]


@given(st.lists(st.one_of(st.integers(1, 4000), st.integers(1, 3 * (1 << 18))), min_size=1, max_size=12))
@pytest.mark.clause("FORMAT 3.4")
def test_every_chunk_of_a_lane_is_found_again(lengths: list[int]) -> None:
    shelf = Shelf()
    lane = shelf.lane()
    chunks = chunks_of(lengths)
    places = [lane.take(memoryview(raw)) for raw in chunks]
    lane.flush()
    for raw, place in zip(chunks, places, strict=True):
        ref = place.ref() if isinstance(place, dedup.Placement) else place
        assert ref is not None
        assert shelf.reader(ref.pack).chunk(ref.slot) == raw
    assert sum(filled.raw_bytes for filled in shelf.filled) == sum(map(len, set(chunks)))


def test_a_pack_is_handed_on_before_anybody_can_refer_to_it() -> None:
    """Who meets a reference then knows that the pack behind it is already waiting to be named."""
    shelf = Shelf()
    lane = shelf.lane()
    place = lane.take(memoryview(noise(MIB, 1)))
    assert isinstance(place, dedup.Placement)
    seen: list[ChunkRef | None] = []
    lane._filled = lambda _: seen.append(place.ref())
    lane.flush()
    assert seen == [None]
    assert place.ref() is not None


def test_small_chunks_share_blocks_and_large_ones_stand_alone() -> None:
    shelf = Shelf()
    lane = shelf.lane()
    for raw in chunks_of([3000] * 50 + [MIB, MIB]):
        lane.take(memoryview(raw))
    lane.flush()
    (filled,) = shelf.filled
    table = shelf.reader(filled.id).table
    assert (len(table.blocks), len(table.slots)) == (3, 52)


def test_a_full_pack_is_closed_and_fits_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "PACK_SLOTS_MAX", 100)
    shelf = Shelf()
    lane = shelf.lane()
    for number in range(3000):
        lane.take(memoryview(noise(4000, number)))
    lane.flush()
    assert len(shelf.filled) > 5
    assert all(len(filled.chunks) <= 100 + chunk.SOLID_BYTES // 4000 + 1 for filled in shelf.filled)
    assert flow.PACK_PLAIN_MAX + pack.RAW_BYTES_MAX < flow.PACK_BYTES < pack.PLAIN_BYTES_MAX


def test_an_idle_lane_leaves_no_pack() -> None:
    shelf = Shelf()
    shelf.lane().flush()
    assert shelf.filled == []


@pytest.mark.clause("FORMAT 3.4")
def test_a_chunk_that_is_not_what_its_slot_says_is_refused() -> None:
    """The vault's public key is no secret: anyone can seal a pack, also one that lies."""
    shelf = Shelf()
    sealer = shelf._open()
    sealer.append(b"not this")
    slot = pack.Slot(block=0, offset=0, length=8, digest=blake3(b"but that").digest())
    sealer.append(pack.Table.of([Block(stored=8, raw=8, codec=Codec.RAW)], [slot]).encode())
    sealed = shelf._close(sealer)
    with pytest.raises(PackTableInvalid, match="does not hold"):
        shelf.reader(sealed.id).chunk(0)


@pytest.mark.clause("FORMAT 1.5")
def test_a_pack_that_is_cut_or_flipped_gives_nothing() -> None:
    shelf = Shelf()
    lane = shelf.lane()
    lane.take(memoryview(noise(200_000, 1)))
    lane.flush()
    (pack_id,) = shelf.packs
    content = shelf.packs[pack_id]
    for spoiled in (content[:-1], content[:-70_000], content + b"\0"):
        with pytest.raises(AgePayloadDamaged):
            shelf.reader(pack_id, spoiled).chunk(0)
    flipped = bytearray(content)
    flipped[100_000] ^= 1
    with pytest.raises(AgePayloadDamaged):
        shelf.reader(pack_id, bytes(flipped)).chunk(0)
