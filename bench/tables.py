"""Turns runs of the kernel benchmarks into the tables of docs/performance.md.

    python bench/gemm.py --threads 1 --json runs/gemm-1.json
    python bench/gemm.py --threads 2 --json runs/gemm-2.json
    python bench/tables.py runs/*.json                             # prints them
    python bench/tables.py runs/*.json --write docs/performance.md

Runs of one script are laid side by side by their number of threads; a row that was measured twice with as many threads
counts as measured last, so that a long table can be made of several short runs. `--write` replaces what lies between
`<!-- table gemm -->` and `<!-- end of table -->` by the tables of gemm.py, and so on; a script without such a place in
the file is an error. Nothing here measures.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
from pathlib import Path
from typing import Any

END = "<!-- end of table -->"


class Runs:
    """All that was measured with one script: rows by name, each with its records by number of threads."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        self.machines: dict[int, dict[str, Any]] = {}

    def add(self, run: dict[str, Any]) -> None:
        self.machines[run["threads"]] = run
        for record in run["rows"]:
            self.rows.setdefault(record["name"], {})[run["threads"]] = record

    @property
    def threads(self) -> list[int]:
        return sorted(self.machines)


def read(paths: list[str]) -> dict[str, Runs]:
    found: dict[str, Runs] = {}
    for path in paths:
        run = json.loads(Path(path).read_text())
        found.setdefault(run["script"], Runs(run["script"])).add(run)
    return found


def count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def machine(runs: Runs) -> str:
    """What the shares are of; empty for rows without."""
    first = next(iter(runs.machines.values()))
    if "isa" not in first:
        return ""
    peaks = "; ".join(
        f"{count(n)} {run['peak_flops'] / 1e9:.0f} GFLOP/s, {run['peak_bytes'] / 1e9:.0f} GB/s{directions(run)}"
        for n, run in sorted(runs.machines.items())
    )
    return f"{first['processor']}, {first['isa']}; peak on {peaks}."


def directions(run: dict[str, Any]) -> str:
    """Bytes read and bytes written a second."""
    return f" ({run['peak_read'] / 1e9:.0f} read, {run['peak_write'] / 1e9:.0f} written)" if "peak_read" in run else ""


def cells(record: dict[str, Any] | None) -> list[str]:
    """Rate and share (or time), then the ratio, of one row at one number of threads."""
    if record is None:
        return ["", ""]
    ours = next(iter(record["seconds"]))
    seconds = record["seconds"][ours]
    text = f"{seconds * 1e3:.3g} ms"
    if "unit" in record:
        unit = "GFLOP/s" if record["unit"] == "flops" else "GB/s"
        text = f"{record[record['unit']] / seconds / 1e9:.3g} {unit}, {record['share'][ours]:.0%}"
    ratio = record.get("ratio")
    return [text, f"**{ratio['median']:.2f}** ({ratio['low']:.2f}–{ratio['high']:.2f})" if ratio else ""]


def errors(records: dict[int, dict[str, Any]]) -> str:
    """linnet's error and that of the best peer: they do not depend on the threads."""
    record = records[max(records)]
    names = [next(iter(record["seconds"])), record.get("ratio", {}).get("peer")]
    return " / ".join(f"{record['error'][name]:.1e}" for name in names if name in record["error"])


def table(runs: Runs, group: str) -> str:
    rows = {name: records for name, records in runs.rows.items() if next(iter(records.values()))["group"] == group}
    has_ratio = any("ratio" in record for records in rows.values() for record in records.values())
    has_error = any(record["error"] for records in rows.values() for record in records.values())
    heading = [group or "kernel"]
    for n in runs.threads:
        heading += [f"linnet, {count(n)}"] + (["ratio"] if has_ratio else [])
    heading += ["error linnet / peer" if has_ratio else "error"] if has_error else []
    lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
    for name, records in rows.items():
        line = [name]
        for n in runs.threads:
            line += cells(records.get(n))[: 2 if has_ratio else 1]
        lines.append("| " + " | ".join(line + ([errors(records)] if has_error else [])) + " |")
    if has_ratio and len(rows) > 1:
        lines.append("| " + " | ".join(["*geometric mean*", *means(rows, runs.threads), *([""] * has_error)]) + " |")
    return "\n".join(lines)


def means(rows: dict[str, dict[int, dict[str, Any]]], threads: list[int]) -> list[str]:
    line = []
    for n in threads:
        ratios = [records[n]["ratio"]["median"] for records in rows.values() if "ratio" in records.get(n, {})]
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios)) if ratios else None
        line += ["", f"*{mean:.2f}*" if mean else ""]
    return line


def tables(runs: Runs) -> str:
    groups = dict.fromkeys(next(iter(records.values()))["group"] for records in runs.rows.values())
    return "\n\n".join(filter(None, [machine(runs), *(table(runs, group) for group in groups)]))


def place(path: Path, name: str, body: str) -> None:
    """Puts `body` between the marks of table `name` in a file."""
    text = path.read_text()
    between = re.compile(rf"(<!-- table {re.escape(name)} -->\n).*?(\n{re.escape(END)})", re.DOTALL)
    text, changed = between.subn(lambda match: f"{match[1]}{body}{match[2]}", text)
    if not changed:
        raise SystemExit(f"{path} has no place for {name}: <!-- table {name} --> and {END} on lines of their own")
    path.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="files that --json has written")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into their places in this file")
    options = parser.parse_args()
    found = read(options.runs)
    if options.write:
        for script, runs in found.items():
            place(options.write, script, tables(runs))
    else:
        print("\n\n".join(f"## {script}\n\n{tables(runs)}" for script, runs in found.items()))


if __name__ == "__main__":
    main()
