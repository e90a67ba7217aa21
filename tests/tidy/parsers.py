"""Every function that makes something of bytes or text from outside, and whether fuzzing reaches it.

A parser is a public function or method, named for reading, whose first argument is bytes or text. What
only looks like one stands in `NOT_PARSERS` with its reason. Does not run anything.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from tests.tidy.tree import Source

FOLDERS = ("appliance", "firmware", "hw")
NAME = re.compile(r"(parse|decode|read|from|verify|unseal|expand|load|check)(_\w+)?")
_BYTES = "bytes|bytearray|memoryview|str|Bytes"
OUTSIDE = re.compile(rf"(Iterable\[)?({_BYTES})(]|( \| ({_BYTES}))*)")

VERIFIER = "a program of its own; mutilated files and papers in tests/contract/test_iwato_ledger.py"
STRANGER = "a program of its own; mutilated drives and tokens in tests/contract/test_rosetta.py"

# module:function → why it reads nothing of an outsider's
NOT_PARSERS: Mapping[str, str] = {
    "appliance.adapters.beneath:check_name": "looks at one component; tests/unit/test_beneath.py",
    "appliance.adapters.direct:Descriptor.read_into": "fills a buffer",
    "appliance.adapters.directory:Directory.read": "reads a file of that name",
    "appliance.adapters.directory:Directory.read_direct": "opens a file of that name",
    "appliance.adapters.token_file:FileToken.unseal": "age_file.decrypt under the token's key",
    "appliance.compose.job:decode": "written by the process that starts this one",
    "appliance.compose.window_text:parse": "typed by the operator; tests/unit/test_window_text.py",
    "appliance.config:parse": "the administrator's own; tests/unit/test_config.py",
    "appliance.format.age_recipient:Identity.from_seed": "any 32 bytes are a seed",
    "appliance.format.ed25519_key:check": "any 32 bytes; tests/unit/test_ed25519_key.py",
    "appliance.format.ssh_key:SshKey.from_ed25519": "any 32 bytes; reached by targets ssh_blob and policy",
    "appliance.format.ssh_key:SshKey.from_p256": "any 65 bytes; reached by target ssh_blob",
    "appliance.format.sshsig:Signature.verify": "compares a parsed signature; reached by target votes",
    "appliance.format.zstd_frame:Encoder.check": "opens what was written a moment ago",
    "appliance.ports:Files.read": "a port",
    "appliance.ports:Files.read_direct": "a port",
    "appliance.ports:Token.unseal": "a port",
    "appliance.rosetta.iwato_ledger:parse_note": VERIFIER,
    "appliance.rosetta.iwato_ledger:parse_short": VERIFIER,
    "appliance.rosetta.iwato_rosetta:expand": STRANGER,
    "appliance.rosetta.iwato_rosetta:read_chunks": STRANGER,
    "appliance.rosetta.iwato_rosetta:read_facts": STRANGER,
    "appliance.rosetta.iwato_rosetta:read_policy": STRANGER,
    "appliance.rosetta.iwato_rosetta:read_segment": STRANGER,
    "appliance.rosetta.iwato_rosetta:unseal": STRANGER,
    "appliance.service.pack_shards:ShardFile.read": "fills a buffer",
    "hw.twin.rootkit:read": "the attacker's own",
    "hw.twin.scenario:parse": "the bench engineer's; tests/unit/test_twin_scenario.py",
    "hw.profile:load": "a file of the product",
    "hw.trace:parse": "the bench engineer's; tests/unit/test_trace.py flips its bits",
    "hw.profile:parse": "a file of the product, or of the bench engineer; tests/unit/test_twin_profile.py",
}


def _functions(source: Source) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Public functions, and public methods of public classes, with their dotted names."""
    module = source.path.removesuffix(".py").replace("/", ".")
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef):
            yield f"{module}:{node.name}", node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield f"{module}:{node.name}.{method.name}", method


def _takes_outside(node: ast.FunctionDef) -> bool:
    arguments = [item for item in node.args.args if item.arg not in {"self", "cls"}]
    if not arguments or arguments[0].annotation is None:
        return False
    return OUTSIDE.fullmatch(ast.unparse(arguments[0].annotation)) is not None


def found(sources: Iterable[Source]) -> set[str]:
    """Every parser and every function that looks like one, as `module:function`."""
    return {
        name
        for source in sources
        for name, node in _functions(source)
        if NAME.fullmatch(node.name) and _takes_outside(node)
    }


def uncovered(sources: Iterable[Source], covered: Iterable[str]) -> list[str]:
    """Parsers without a fuzz target."""
    missing = found(sources) - set(covered) - set(NOT_PARSERS)
    return [f"{name} reads bytes from outside and has no target in tests/fuzz" for name in sorted(missing)]


def stale(sources: Iterable[Source], covered: Iterable[str]) -> list[str]:
    """Targets and exceptions that name no parser of today."""
    gone = (set(covered) | set(NOT_PARSERS)) - found(sources)
    return [f"{name} is named and is no parser" for name in sorted(gone)]
