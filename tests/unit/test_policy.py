"""The policy's text: one spelling, every rule, and the interlock's own parser agrees."""

from __future__ import annotations

import base64
import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from appliance.custody import holder_rules, policy_rules
from appliance.custody import policy as policy_text
from appliance.custody.policy import DriveGroup, Generation, Holder, Policy, SourceLine
from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName, VaultId
from appliance.domain.schedule import Duration, Slot, Window
from appliance.errors import PolicyInvalid
from firmware.model import policy_lines
from tests import depth


def key(number: int) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key().public_bytes_raw()


def point(number: int) -> bytes:
    """A P-256 key, as a hardware token has it."""
    public = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def digest(number: int) -> str:
    return bytes([number] * 32).hex()


def text_of(number: int) -> str:
    return base64.b64encode(key(number)).decode()


TEXT = "\n".join(
    [
        "iwato-policy 1",
        "prev -",
        f"vault-id {'ab' * 16}",
        "quorum 2 of 3",
        *(
            f"holder {n} ssh=ssh-ed25519:{text_of(n)}"
            f" unseal=sha256:{digest(n)} share=sha256:{digest(n + 100)}"
            for n in (1, 2)
        ),
        (
            f"holder 3 ssh=ecdsa-sha2-nistp256:{base64.b64encode(point(3)).decode()}"
            f" unseal=sha256:{digest(3)} share=sha256:{digest(103)}"
        ),
        f"generation 1 vault=sha256:{digest(9)}",
        f"log ed25519:{text_of(10)}",
        f"witness ed25519:{text_of(11)}",
        "window 03:00:00-05:00:00 daily +09:00 link=60m",
        "window 23:30:00-00:30:10 daily -03:30 link=15s",
        "scrub 06:00:00-22:00:00 daily +09:00",
        "drives 2+1 write=3 sealed",
        "drives 4+2 write=5",
        "source docs tier=1 path=/srv/docs",
        "source nihon tier=0 path=/srv/%E6%97%A5%FF%20x",
        "delay 72h",
        "",
    ]
).encode()
POLICY = policy_text.parse(TEXT)

HOLDERS = tuple(
    Holder(
        number=HolderNumber(n),
        ssh_key=key(n) if n % 3 else point(n),
        unseal=bytes([n] * 32),
        share=bytes([n + 100] * 32),
    )
    for n in range(1, 17)
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Every policy that our rules allow, in small."""
    count = draw(st.integers(3, 16))
    first = draw(st.integers(0, 86_399))
    length = draw(st.integers(3, 20_000))
    offset = draw(st.integers(-12 * 60, 14 * 60)) * 60
    slot = Slot(begin_s=first, end_s=(first + length) % 86_400, offset_s=offset)
    data = draw(st.integers(2, 9))
    geometry = Geometry(data=data, parity=4, write_quorum=data + draw(st.integers(0, 4)))
    dark = DriveGroup(geometry=Geometry(data=2, parity=1, write_quorum=3), sealed=True)
    groups = [DriveGroup(geometry=geometry), *([dark] if draw(st.booleans()) else [])]
    version = draw(st.integers(1, 2**32 - 1))
    paths = st.binary(max_size=60).map(lambda tail: b"/" + tail.replace(b"\0", b"0"))
    names = draw(
        st.lists(st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True), min_size=1, max_size=4, unique=True)
    )
    return Policy(
        version=version,
        previous=b"" if version == 1 else draw(st.binary(min_size=32, max_size=32)),
        vault_id=VaultId(draw(st.binary(min_size=16, max_size=16))),
        quorum=draw(st.integers(2, count - 1)),
        holders=HOLDERS[:count],
        generations=(Generation(number=draw(st.integers(1, 99)), vault=bytes([99] * 32)),),
        log_key=key(200),
        witness_key=key(201),
        windows=(
            Window(slot=slot, link=Duration(amount=draw(st.integers(1, min(length - 1, 7200))), unit="s")),
        ),
        scrubs=(slot,),
        groups=tuple(draw(st.permutations(groups))),
        sources=tuple(
            SourceLine(name=SourceName(name), tier=draw(st.integers(0, 3)), path=draw(paths))
            for name in names
        ),
        delay=Duration(amount=draw(st.integers(1, 720)), unit=draw(st.sampled_from("smh"))),
    )


def test_the_text_of_the_specification_is_read_to_its_facts() -> None:
    assert POLICY.quorum == 2
    assert [holder.number for holder in POLICY.holders] == [1, 2, 3]
    assert POLICY.windows[0].link_s == 3600
    assert POLICY.windows[1].slot.length_s == 3610
    assert POLICY.windows[1].slot.offset_s == -12_600
    assert POLICY.sources[1].path == "/srv/日".encode() + b"\xff x"
    assert POLICY.delay.seconds == 72 * 3600
    assert POLICY.generation.vault == bytes([9] * 32)


def test_a_policy_is_written_as_it_was_read() -> None:
    assert policy_text.render(POLICY) == TEXT


@pytest.mark.clause("THREATS 3.1")
@given(policies())
def test_every_policy_survives_its_text_and_the_interlock_reads_the_same_facts(policy: Policy) -> None:
    text = policy_text.render(policy)
    assert policy_text.parse(text) == policy
    facts, previous = policy_lines.read(text)
    assert (facts.version, previous or b"", facts.quorum) == (policy.version, policy.previous, policy.quorum)
    assert [holder.raw for holder in facts.holders] == [holder.ssh_key for holder in policy.holders]
    assert [(w.slot.begin_s, w.slot.length_s, w.link_s) for w in facts.windows] == [
        (w.slot.begin_s, w.slot.length_s, w.link_s) for w in policy.windows
    ]
    assert facts.digest == policy_text.digest(text)


def accepted(text: bytes) -> bool:
    try:
        policy = policy_text.parse(text)
    except PolicyInvalid:
        return False
    assert policy_text.render(policy) == text
    return True


def interlock_accepts(text: bytes) -> bool:
    try:
        policy_lines.read(text)
    except policy_lines.PolicyMalformedError:
        return False
    return True


def mutations(count: int) -> list[bytes]:
    """Flipped bits, doubled, dropped, swapped and inserted bytes and lines; seeded."""
    chance, made = random.Random(2), []
    lines = TEXT.splitlines(keepends=True)
    for _ in range(count):
        place = chance.randrange(len(TEXT))
        flipped = bytearray(TEXT)
        flipped[place] ^= 1 << chance.randrange(8)
        one, two = sorted(chance.sample(range(len(lines)), 2))
        swapped = [*lines[:one], lines[two], *lines[one + 1 : two], lines[one], *lines[two + 1 :]]
        made += [
            bytes(flipped),
            TEXT[:place] + TEXT[place + 1 :],
            TEXT[:place] + bytes([chance.choice(b" \t\r\n0-+=:%A/")]) + TEXT[place:],
            b"".join(swapped),
            b"".join([*lines[:one], *lines[one + 1 :]]),
            b"".join([*lines[:two], lines[one], *lines[two:]]),
        ]
    return [text for text in made if text != TEXT]


def only_a_key_is_no_point(text: bytes) -> bool:
    """The one thing that the interlock leaves to the controller: nobody can sign with such an Ed25519 key."""
    try:
        policy_text.parse(text)
    except PolicyInvalid as error:
        return "a key is no Ed25519 key" in str(error)
    return False


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 3.7")
def test_controller_and_interlock_agree_on_every_damaged_text() -> None:
    texts = mutations(depth.many(300, 4000))
    disagreed = [text for text in texts if accepted(text) != interlock_accepts(text)]
    assert [text for text in disagreed if not only_a_key_is_no_point(text)] == []


@pytest.mark.planted
@pytest.mark.invariant("I13")
def test_a_controller_that_takes_any_order_of_holders_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule for rule in policy_rules._RULES if rule is not holder_rules.holders]
    monkeypatch.setattr(policy_rules, "_RULES", rules)
    texts = [text for text in mutations(300) if accepted(text) != interlock_accepts(text)]
    assert [text for text in texts if not only_a_key_is_no_point(text)]


@pytest.mark.clause("THREATS 3.1")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prev -", "prev  -"),
        ("quorum 2 of 3", "quorum 02 of 3"),
        ("daily +09:00 link=60m", "daily +09:00  link=60m"),
        ("daily +09:00\ndrives", "daily -00:00\ndrives"),
        ("link=60m", "link=060m"),
        ("06:00:00", "24:00:00"),
        ("06:00:00", "6:00:00"),
        ("path=/srv/docs", "path=/srv/%64ocs"),
        ("%E6", "%e6"),
        ("delay 72h\n", "delay 72h"),
        ("delay 72h\n", "delay 72h\n\n"),
        ("delay 72h\n", "delay 72h\r\n"),
        ("prev -", "prev -\nvault-id 00"),
        ("sha256:09", "sha256:0９"),
        ("iwato-policy 1", "iwato-policy 1 "),
        ("scrub", "scrab"),
        ("write=3 sealed", "write=3  sealed"),
        ("write=3 sealed", "write=3 Sealed"),
        ("ecdsa-sha2-nistp256", "ssh-ed25519"),
        ("ssh=ssh-ed25519", "ssh=ecdsa-sha2-nistp256"),
    ],
)
def test_a_second_spelling_is_refused(old: str, new: str) -> None:
    changed = TEXT.decode().replace(old, new, 1).encode()
    assert changed != TEXT
    with pytest.raises(PolicyInvalid) as caught:
        policy_text.parse(changed)
    assert caught.value.code == "IW-4201"


HOLDER = POLICY.holders[0]


@pytest.mark.clause("THREATS 2.5")
@pytest.mark.parametrize("quorum", [0, 1, 3, 4])
def test_a_quorum_of_one_of_none_or_of_all_is_refused(quorum: int) -> None:
    with pytest.raises(PolicyInvalid):
        replace(POLICY, quorum=quorum)


@pytest.mark.clause("THREATS 3.2")
@pytest.mark.parametrize(
    "twin",
    [
        replace(POLICY.holders[1], ssh_key=HOLDER.ssh_key),
        replace(POLICY.holders[1], unseal=HOLDER.unseal),
        replace(POLICY.holders[1], share=HOLDER.share),
        replace(POLICY.holders[1], ssh_key=POLICY.log_key),
        replace(POLICY.holders[1], ssh_key=POLICY.witness_key),
        replace(POLICY.holders[1], number=HolderNumber(1)),
        replace(POLICY.holders[1], ssh_key=bytes(32)),
        replace(POLICY.holders[1], ssh_key=b"\1" + bytes(31)),
    ],
)
def test_one_person_cannot_be_two_holders_and_no_key_is_everybodys(twin: Holder) -> None:
    with pytest.raises(PolicyInvalid):
        replace(POLICY, holders=(HOLDER, twin, POLICY.holders[2]))


NIGHT = Slot(begin_s=0, end_s=10_000, offset_s=0)


@pytest.mark.clause("THREATS 3.8")
@pytest.mark.parametrize(
    "windows",
    [
        (),
        (Window(slot=NIGHT, link=Duration(amount=10_000, unit="s")),),
        (Window(slot=NIGHT, link=Duration(amount=7201, unit="s")),),
        tuple(
            Window(
                slot=Slot(begin_s=hour * 3600, end_s=(hour + 3) * 3600, offset_s=0),
                link=Duration(amount=2, unit="h"),
            )
            for hour in (0, 4, 8)
        ),
        (
            Window(slot=NIGHT, link=Duration(amount=60, unit="m")),
            Window(
                slot=Slot(begin_s=9 * 3600, end_s=10 * 3600, offset_s=9 * 3600),
                link=Duration(amount=9, unit="m"),
            ),
        ),
        (
            Window(slot=NIGHT, link=Duration(amount=60, unit="m")),
            Window(slot=Slot(begin_s=86_000, end_s=1, offset_s=0), link=Duration(amount=3, unit="m")),
        ),
    ],
    ids=["none", "no drive half", "over 2 h", "over 4 h a day", "overlap by offset", "overlap at midnight"],
)
def test_a_window_that_exposes_too_much_is_refused(windows: tuple[Window, ...]) -> None:
    with pytest.raises(PolicyInvalid):
        replace(POLICY, windows=windows)


def test_windows_that_touch_are_accepted() -> None:
    one = Window(slot=Slot(begin_s=82_800, end_s=600, offset_s=0), link=Duration(amount=5, unit="m"))
    two = Window(slot=Slot(begin_s=600, end_s=82_800, offset_s=0), link=Duration(amount=5, unit="m"))
    assert replace(POLICY, windows=(one, two)).windows == (one, two)


@pytest.mark.parametrize("path", [b"srv", b"", b"/a\0b", b"/" + b"x" * 1024])
def test_a_source_path_that_is_not_absolute_and_short_is_refused(path: bytes) -> None:
    with pytest.raises(PolicyInvalid):
        replace(POLICY, sources=(SourceLine(name=SourceName("a"), tier=0, path=path),))


def test_a_text_of_unlimited_length_is_not_read() -> None:
    with pytest.raises(PolicyInvalid):
        policy_text.parse(TEXT * 20)


@pytest.mark.parametrize(("seconds", "spelled"), [(60, (1, "m")), (3600, (60, "m")), (61, (61, "s"))])
def test_a_computed_duration_is_spelled_in_minutes_where_it_can_be(
    seconds: int, spelled: tuple[int, str]
) -> None:
    duration = Duration.of(seconds)
    assert ((duration.amount, duration.unit), duration.seconds) == (spelled, seconds)


def test_by_default_half_of_a_window_is_for_the_link_within_the_cap() -> None:
    assert Window.halved(NIGHT).link_s == 5000
    assert Window.halved(Slot(begin_s=0, end_s=0, offset_s=0)).link_s == 7200
