"""The building process: `python -m simulator.image.worker FOLDER FINAL PLAN [anew]`, progress as JSON on stdout."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from simulator.image.build import build
from simulator.image.builder import PROVENANCE, SHIPPED
from simulator.image.parts import FOLDER, Parts, shipped_parts
from simulator.image.plan import BuildPlan

ANEW = "anew"


def main(folder: str, final: str, plan: str, how: str = "") -> None:
    """Fill FOLDER with an image that will be moved to FINAL. Dies when nobody reads its progress any more."""
    # Libraries print what they like on stdout; only progress may reach the parent.
    channel = os.dup(1)
    os.dup2(2, 1)

    def progress(ratio: float, text: str) -> None:
        os.write(channel, (json.dumps({"ratio": round(ratio, 4), "text": text}) + "\n").encode())

    parts = Parts(Path(final).parent / FOLDER, shipped_parts(SHIPPED, PROVENANCE), anew=how == ANEW)
    build(Path(folder), Path(final), BuildPlan.from_json(plan), parts, progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
