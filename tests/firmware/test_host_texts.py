"""Both readers of the holders' texts, the model's and the firmware's, judge alike (PROTOCOL 6.2, 7.2)."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware.model import order_lines, sshsig
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import UploadAccepted, UploadBegin, UploadChunk, UploadCommit
from tests import depth
from tests.firmware import host_build
from tests.firmware.box import HOLDERS, policy_text, public
from tests.firmware.papers import TWO_GROUPS, Pen, votes
from tests.firmware.recording import RecordingBox, replay

pytestmark = pytest.mark.needs("interlock_host")
TEXTS = depth.many(120, 6_000)
ODD_BYTES = b"\0\n\r\t \x7f\x80\xc3\xa9\xff+-=%:/0129aAfFzZ"
CARDS = tuple(ec.derive_private_key(1000 + n, ec.SECP256R1()) for n in range(3))
ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def damaged(dice: random.Random, text: bytes) -> bytes:
    """`text` with something wrong, or something that is merely different."""
    lines = text.split(b"\n")
    at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(7):
        case 0:
            lines[at], lines[other] = lines[other], lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            del lines[at]
        case 3:
            digits = [place for place, byte in enumerate(text) if byte in b"0123456789"]
            place = dice.choice(digits)
            digit = text[place : place + 1]
            said = dice.choice((b"0", b"9", b"1", b"0" + digit, b"1" + digit))
            return text[:place] + said + text[place + 1 :]
        case 4:
            place = dice.randrange(len(text) + 1)
            return text[:place] + bytes([dice.choice(ODD_BYTES)]) + text[place:]
        case 5:
            place = dice.randrange(len(text))
            return text[:place] + text[place + 1 :]
        case _:
            place = dice.randrange(len(text))
            return text[:place] + bytes([dice.choice(ODD_BYTES)]) + text[place + 1 :]
    return b"\n".join(lines)


def other_spellings() -> Iterator[bytes]:
    """A policy that says the same, or nearly, in other words."""
    text = policy_text()
    for was, now in (
        *((b"quorum 3", b"quorum 03"), (b"of 5", b"of 05"), (b"holder 2", b"holder 02"), (b"2+1", b"02+1")),
        *((b"delay 72h", b"delay 072h"), (b"delay 72h", b"delay 721h"), (b"link=60s", b"link=120s")),
        *(
            (b"+00:00", b"-00:00"),
            (b"+00:00", b"+14:59"),
            (b"+00:00", b"+15:00"),
            (b"12:10:00-", b"24:10:00-"),
        ),
        *(
            (b"tier=1", b"tier=4"),
            (b"/srv/docs", b"/srv%2Fdocs"),
            (b"/srv/docs", b"/srv/%e9"),
            (b"3\n", b"1\n"),
        ),
    ):
        yield text.replace(was, now, 1)


def commit(box: RecordingBox, kind: UploadKind, text: bytes) -> None:
    """Without signatures: a sound text is refused for that, a damaged one for what it is."""
    if not text:
        return
    box.say(UploadBegin(kind=kind, length=len(text)))
    for at in range(0, len(text), 480):
        box.say(UploadChunk(offset=at, data=text[at : at + 480]))
    box.say(UploadCommit())


def unborn() -> RecordingBox:
    box = RecordingBox(key=True)
    box.boot()
    return box


def pending() -> RecordingBox:
    box = RecordingBox(key=True)
    box.ready()
    box.key = True
    box.tick()
    pen = Pen(box)
    pen.hand_in(UploadKind.POLICY, pen.successor(drives=TWO_GROUPS))
    pen.hand_in(UploadKind.VETO, pen.veto(), (4, 5))
    return box


def secured() -> RecordingBox:
    box = pending()
    box.cut = True
    box.run(4000)
    box.cut = False
    box.run(3000)
    assert box.phase is Phase.SECURED
    return box


def policies(_: RecordingBox) -> Iterator[tuple[UploadKind, bytes]]:
    windows = (
        "window 22:10:00-01:12:00 daily -03:30 link=60s",
        "window 05:00:00-06:00:00 daily +14:00 link=59m",
    )
    text = policy_text(windows=windows, drives=TWO_GROUPS)
    yield UploadKind.POLICY, text.replace(b"path=/srv/docs", b"path=/srv/%C3%A9%20x")
    yield UploadKind.POLICY, policy_text()


def orders(box: RecordingBox) -> Iterator[tuple[UploadKind, bytes]]:
    pen = Pen(box)
    assert box.rtc_s is not None
    yield UploadKind.RECOVERY_ORDER, pen.recovery().replace(b"why drill", "why 訓練 é".encode())
    yield UploadKind.VETO, pen.veto()
    yield UploadKind.OVERRIDE, pen.override(4, 5)
    yield UploadKind.UNSEAL_ORDER, pen.unseal(2)
    yield UploadKind.TIME_ORDER, pen.time(box.rtc_s)
    yield UploadKind.POLICY, pen.successor()


def releases(box: RecordingBox) -> Iterator[tuple[UploadKind, bytes]]:
    yield UploadKind.RELEASE_ORDER, Pen(box).release(secured=True)
    yield UploadKind.VETO, Pen(box).veto()


@pytest.mark.parametrize(
    ("start", "texts"),
    [(unborn, policies), (pending, orders), (secured, releases)],
    ids=lambda one: one.__name__,
)
def test_a_damaged_text_is_judged_alike(
    start: Callable[[], RecordingBox], texts: Callable[[RecordingBox], Iterator[tuple[UploadKind, bytes]]]
) -> None:
    box = start()
    dice = random.Random(start.__name__)
    sound = list(texts(box))
    for kind, text in sound:
        commit(box, kind, text)
    for _ in range(TEXTS):
        kind, text = dice.choice(sound)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            text = damaged(dice, text) or b"\n"
        commit(box, kind, text)
    assert not replay(host_build.program(), [box.record])


@pytest.mark.planted
def test_a_reader_that_takes_leading_zeros_is_noticed() -> None:
    box = unborn()
    for text in other_spellings():
        commit(box, UploadKind.POLICY, text)
    assert not replay(host_build.program(), [box.record])
    lax = ("lines.c", 'if (accepts(t, "0")) return 0;', "")
    assert "expected" in replay(host_build.program(planted=[lax]), [box.record])


def card_text() -> bytes:
    """A policy whose first three holders sign with cards (P-256)."""
    text = policy_text()
    for key, card in zip(HOLDERS, CARDS, strict=False):
        point = card.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        there = f"ecdsa-sha2-nistp256:{base64.b64encode(point).decode()}"
        text = text.replace(f"ssh-ed25519:{public(key)}".encode(), there.encode())
    return text


def card_votes(kind: UploadKind, text: bytes) -> list[tuple[int, bytes]]:
    found = []
    for number, card in enumerate(CARDS, start=1):
        r, s = decode_dss_signature(
            card.sign(sshsig.blob(order_lines.NAMESPACES[kind], text), ec.ECDSA(hashes.SHA256()))
        )
        found.append((number, r.to_bytes(32, "big") + s.to_bytes(32, "big")))
    return found


def other_root(signature: bytes) -> bytes:
    """(r, n - s) verifies as well."""
    return signature[:32] + (ORDER_OF_P256 - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


def test_holders_with_cards_are_judged_alike() -> None:
    box = unborn()
    text = card_text()
    good = card_votes(UploadKind.POLICY, text)
    zero, huge = bytes(32), b"\xff" * 32
    for broken in (
        [*good[:2], (3, good[2][1][:-1] + bytes([good[2][1][-1] ^ 1]))],
        [*good[:2], (3, zero + good[2][1][32:])],
        [*good[:2], (3, good[2][1][:32] + zero)],
        [*good[:2], (3, huge + good[2][1][32:])],
        [*good[:2], (3, good[2][1][:32] + huge)],
        [*good[:2], (4, good[2][1])],
        [good[1], good[0]],
    ):
        assert not isinstance(box.upload(UploadKind.POLICY, text, broken), UploadAccepted)
    accepted = box.upload(UploadKind.POLICY, text, [good[0], good[1], (3, other_root(good[2][1]))])
    assert isinstance(accepted, UploadAccepted)
    pen = Pen(box)
    recovery = pen.recovery()
    assert isinstance(
        box.upload(UploadKind.RECOVERY_ORDER, recovery, card_votes(UploadKind.RECOVERY_ORDER, recovery)),
        UploadAccepted,
    )
    assert not replay(host_build.program(), [box.record])


@pytest.mark.parametrize("damage", range(65), ids=str)
def test_a_point_off_the_curve_is_refused_alike(damage: int) -> None:
    box = unborn()
    text = card_text()
    point = CARDS[0].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    wrong = bytearray(point)
    wrong[damage] ^= 1
    commit(box, UploadKind.POLICY, text.replace(base64.b64encode(point), base64.b64encode(bytes(wrong))))
    assert not replay(host_build.program(), [box.record])


@pytest.mark.parametrize("key", sorted(sshsig.SMALL_ORDER), ids=lambda one: one.hex()[:8])
def test_a_key_of_small_order_is_refused_alike(key: bytes) -> None:
    box = unborn()
    for sign in (0, 0x80):
        small = key[:-1] + bytes([key[-1] | sign])
        text = policy_text().replace(public(HOLDERS[1]).encode(), base64.b64encode(small))
        commit(box, UploadKind.POLICY, text)
        box.upload(UploadKind.POLICY, text, votes(UploadKind.POLICY, text))
    assert not replay(host_build.program(), [box.record])
