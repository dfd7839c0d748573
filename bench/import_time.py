"""What `import linnet` costs beyond numpy, and what torch costs.

    python bench/import_time.py

Each import runs in a fresh interpreter, in turns; the figure is the median of the differences to `import numpy`.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys

CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    code = "import numpy; " + CODE.format(module)
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    modules = [name for name in ("linnet", "torch") if importlib.util.find_spec(name)]
    times: dict[str, list[float]] = {name: [] for name in modules}
    for _ in range(11):
        for name in modules:
            times[name].append(seconds(name))
    for name in modules:
        print(f"import {name:8} {statistics.median(times[name]) * 1e3:8.1f} ms beyond numpy "
              f"({min(times[name]) * 1e3:.1f} to {max(times[name]) * 1e3:.1f})")  # fmt: skip
