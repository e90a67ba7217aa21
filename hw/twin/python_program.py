"""A command line that runs one of our modules in a confined process. Runs nothing itself.

A plain import path would need the right to list the folder around our packages, and with it everything
below, perhaps the drives. So the packages are named one by one and nothing around them is looked at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

BOOTSTRAP = """
import importlib.util, json, runpy, sys
for folder in json.loads(sys.argv.pop(1)):
    name = folder.rpartition("/")[2]
    spec = importlib.util.spec_from_file_location(
        name, folder + "/__init__.py", submodule_search_locations=[folder]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def argv(packages: Sequence[Path], module: str, *arguments: str) -> tuple[str, ...]:
    """Runs `module` of the `packages` (folders with an __init__.py) with `arguments`.

    The same folders have to be readable: `confine.interpreter(*packages)`.
    """
    folders = json.dumps([str(package) for package in packages])
    return (sys.executable, "-I", "-c", BOOTSTRAP, folders, module, *arguments)
