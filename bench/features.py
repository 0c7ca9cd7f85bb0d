"""`python -m bench.features [--smoke] [--json]`: everything measured of the feature store, beside Feast and Polars.

With `--json` every line is an object: work, ours_s, peer, peer_s, ratio; value and unit where there is no peer. Peers
need `make peers`; Redis needs redis-server. What is absent is named and left out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.report import json_wanted

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("bench_features_*.py"))


def main() -> int:
    """Run each in a process of its own, one after the other; 1 when one fell short."""
    short = []
    for name in NAMES:
        if not json_wanted():
            print(f"== {name.removeprefix('bench_features_')}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}", *sys.argv[1:]], check=False).returncode:
            short.append(name)
    if short:
        print(f"fell short: {', '.join(short)}", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
