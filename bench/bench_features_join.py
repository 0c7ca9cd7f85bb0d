"""Training sets, from Parquet to Arrow, beside Feast and Polars: fresh process each, turn about, medians and ratios.

Peers run in the virtual environment that `make peers` prepares; without it their lines are left out. Ours keeps the
knowledge cutoff, which no peer does, except where a line says otherwise. `--json`: one object per line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.features_join_data import Size, write_view
from bench.features_rows import Row, median_s, show_rows, skipped
from bench.report import smoke_wanted

ROOT = Path(__file__).parent.parent
PEERS_PYTHON = ROOT / ".make" / "peers" / "bin" / "python"
SMALL, MIDDLE, LARGE = Size(50_000, 20_000, 500), Size(1_000_000, 200_000, 10_000), Size(10_000_000, 1_000_000, 100_000)
TIMEOUT_S = 900


class Contest(NamedTuple):
    """One way of ours on one size, and peers with how many times as long each should take at least."""

    size: Size
    how: str
    peers: tuple[tuple[str, float | None], ...] = ()
    most_s: float | None = None

    @property
    def work(self) -> str:
        """Its name in the table."""
        return f"{self.size}" + {"parquet": "", "sorted": ", sorted in memory", "memory": ", in memory"}[self.how]


FULL = (
    Contest(SMALL, "memory", most_s=0.015),
    Contest(SMALL, "parquet", (("polars", None), ("feast-duckdb", None), ("feast-dask", None))),
    Contest(MIDDLE, "sorted"),
    Contest(MIDDLE, "parquet", (("polars", 1.0), ("feast-duckdb", 8.0), ("feast-dask", 75.0))),
    Contest(LARGE, "parquet", (("polars", None),), most_s=10.0),
)
# Three rounds show the ratios; only the full run is long enough to hold us to them.
SMOKE = (*FULL[:3], Contest(MIDDLE, "parquet", (("polars", None), ("feast-duckdb", None))))


def _child(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _ours(how: str, folder: Path) -> dict[str, Any]:
    return _child([sys.executable, "-m", "bench.features_join_ours", how, str(folder)])


def _peer(name: str, folder: Path) -> dict[str, Any]:
    return _child(
        [str(PEERS_PYTHON), "-W", "ignore", str(ROOT / "bench" / "features_join_peers.py"), name, str(folder)]
    )


def _there(names: list[str], folder: Path) -> list[str]:
    """The peers that can be measured, and a line for each that cannot. Their first start is not measured."""
    if not PEERS_PYTHON.exists():
        for name in names:
            skipped(name, "no .make/peers; run `make peers`")
        return []
    there = []
    for name in names:
        if "missing" in (answer := _peer(name, folder)):
            skipped(name, f"{answer['missing']} is not installed in .make/peers")
        else:
            there.append(name)
    return there


def _held(contest: Contest, folder: Path, rounds: int) -> list[Row]:
    peers = _there([name for name, _ in contest.peers], folder)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in peers}
    lost: dict[str, int] = {}
    for _ in range(rounds):
        ours.append(_ours(contest.how, folder)["seconds"])
        for name in peers:
            answer = _peer(name, folder)
            theirs[name].append(answer["seconds"])
            lost[name] = contest.size.labels - answer["rows"]
    if not peers:
        return [Row(contest.work, median_s(ours), ours_most_s=contest.most_s)]
    rows = []
    for name, times_min in contest.peers:
        if name in theirs:
            shown = f"{name} (loses {lost[name]:,})" if lost[name] else name
            rows.append(Row(contest.work, median_s(ours), shown, median_s(theirs[name]), times_min, contest.most_s))
    return rows


def main() -> int:
    """Print the rows; 1 when a promise was broken."""
    contests, rounds = (SMOKE, 3) if smoke_wanted() else (FULL, 5)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as top:
        for contest in contests:
            folder = Path(top) / str(contest.size).replace(" ", "-")
            if not folder.exists():
                folder.mkdir()
                write_view(folder, contest.size)
            rows += _held(contest, folder, rounds)
    return show_rows(rows)


if __name__ == "__main__":
    sys.exit(main())
