"""`python -m bench [NAME...] [--smoke]`: run the measurements, each in a process of its own; 1 when one fell short.

`--smoke` takes fewer rounds and leaves out what needs minutes. `--again` measures what fell short once more before it
counts: a machine that others use for a moment slows whatever is measured in that moment.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> int:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what is promised.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if left out")
    parser.add_argument("--smoke", action="store_true", help="fewer rounds, nothing that needs minutes")
    parser.add_argument("--again", action="store_true", help="measure what fell short once more before it counts")
    wanted = parser.parse_args()
    names = [name.removeprefix("bench_") for name in wanted.names] or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(NAMES)}")
    short = [name for name in names if not _kept(name, wanted.smoke)]
    if short and wanted.again:
        print(f"fell short, measured once more: {', '.join(short)}", flush=True)
        short = [name for name in short if not _kept(name, wanted.smoke)]
    if short:
        print(f"fell short: {', '.join(short)}", file=sys.stderr)
    return 1 if short else 0


def _kept(name: str, smoke: bool) -> bool:
    print(f"== {name}", flush=True)
    command = [sys.executable, "-m", f"bench.bench_{name}", *(["--smoke"] if smoke else [])]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
