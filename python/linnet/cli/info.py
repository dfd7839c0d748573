"""`linnet info`: version, instruction sets, threads and why, caches: what to send with a question about speed."""

import argparse
import platform
from importlib.util import find_spec
from typing import Any

EXTRAS = {"matplotlib": "viz", "PIL": "images"}


def add(commands: Any) -> None:
    text = "Prints the version of linnet and what it knows about this machine."
    parser = commands.add_parser("info", help="version, instruction set, threads, caches", description=text)
    parser.set_defaults(parser=parser, run=run)


def run(options: argparse.Namespace) -> None:
    for name, value in rows():
        print(f"{name:<16}{value}")


def rows() -> list[tuple[str, str]]:
    import numpy as np

    import linnet
    from linnet import _engine

    cpu = _engine.cpu_info()
    threads, reason = _engine.default_num_threads()
    used = _engine.num_threads()
    missing = [f'{module} (pip install "linnet[{extra}]")' for module, extra in EXTRAS.items() if not find_spec(module)]
    return [
        ("linnet", linnet.__version__),
        ("Python, NumPy", f"{platform.python_version()}, {np.__version__}"),
        ("processor", str(cpu["model"])),
        ("instruction set", f"{_engine.isa()} (available: {', '.join(_engine.available_isas())}; LINNET_ISA= chooses)"),
        ("threads", f"{used} ({reason if used == threads else 'set by the program'}; LINNET_NUM_THREADS= chooses)"),
        ("physical cores", str(cpu["physical_cores"])),
        (
            "caches",
            ", ".join(f"{name} {_bytes(cpu[key])}" for name, key in (("L1d", "l1d"), ("L2", "l2"), ("L3", "l3"))),
        ),
        ("not installed", ", ".join(missing) or "nothing: all extras are there"),
    ]


def _bytes(n: int) -> str:
    if n <= 0:
        return "unknown"
    return f"{n / 2**20:g} MiB" if n >= 2**20 else f"{n / 2**10:g} KiB"
