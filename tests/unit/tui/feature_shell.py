"""`pagerdrill features` in this process: what it said, and what must never be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RATING = "driver_stats:rating"
LABELS = "driver_id,event_timestamp\n1001,{0}\n1002,{0}\n"


class Ran(NamedTuple):
    """Exit code, stdout and stderr of one command."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


def refused(run: Run, said: str, *words: object) -> None:
    """Exit code 2, and a message that says `said` and what to do."""
    done = run(*words)
    assert done.code == 2, done.out
    assert said in done.err
    assert len(done.err[done.err.index("error: ") :].splitlines()) >= 2, "nothing says what to do"


def served(run: Run) -> str:
    """What is online of one driver."""
    done = run("get", RATING, "-e", "driver_id=1001", "--json")
    (found,) = json.loads(done.out)
    assert found["status"] == "PRESENT"
    return str(found)


def write_rows(name: str, moment: str) -> None:
    """A CSV file with two rows of driver 7, the second all null."""
    Path(name).write_text(f"driver_id,event_timestamp,trips_today,rating,phone\n7,{moment},3,4.5,0049\n7,{moment},,,\n")
