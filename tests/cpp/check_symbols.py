"""Holds the rule of cpp/kernels/isa.h: what a kernel object defines for the linker lies in linnet::<isa>.

The linker keeps one copy of a weak symbol (an inline function, a template instance). Were one of them outside the
namespace of its instruction set, the copy compiled for AVX-512 could end up behind the AVX2 table, and crash there.
`ctest` runs this on all objects of a build:  check_symbols.py <nm> <isa> <object>...
"""

import re
import subprocess
import sys


def foreign_symbols(nm: str, isa: str, path: str) -> list[str]:
    """Names that the object defines with external or weak linkage outside linnet::<isa>."""
    listing = subprocess.run([nm, "--defined-only", path], check=True, capture_output=True, text=True)
    inside = re.compile(rf"_Z(?:GV|TV|TI|TS|Z)*NK?6linnet{len(isa)}{isa}")
    foreign = []
    for line in listing.stdout.splitlines():
        _, kind, name = line.split(maxsplit=2)
        if (kind.isupper() or kind in "uvw") and not inside.match(name):
            foreign.append(f"{kind} {name}")
    return foreign


def main(nm: str, isa: str, *objects: str) -> int:
    if not objects:
        print("no objects given")
        return 1
    found = {path: symbols for path in objects if (symbols := foreign_symbols(nm, isa, path))}
    for path, symbols in found.items():
        print(f"{path}: outside linnet::{isa}:", *symbols, sep="\n  ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
