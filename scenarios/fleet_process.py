"""The fleet in a process of its own: requests come in on stdin, messages go out on stdout, one JSON object a line.

A process of its own has one thread, which forking needs, and is one group of processes, which stopping needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import IO, Any, NoReturn

from reference_platform.errors import InternalError
from scenarios.fleet import Message, NightRequest, run_here
from simulator.image.import_graph import ROOT

ERROR_LINES_SHOWN = 3


def run_apart(nights: Sequence[NightRequest], workers: int) -> Iterator[Message]:
    """As `run_here`, from any process. Closing the iterator stops everything. Raises InternalError when it dies."""
    with tempfile.TemporaryFile() as said:
        process = _started(said)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            body = {"workers": workers, "nights": [night.to_json() for night in nights]}
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(json.dumps(body).encode())
            for line in process.stdout:
                yield Message(**json.loads(line))
            if process.wait() != 0:
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()[-ERROR_LINES_SHOWN:]
                why = " / ".join(lines) or f"it ended with {process.returncode}"
                raise InternalError("the process that plays stopped", why=why, fix="try again with fewer workers")
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def _started(said: IO[bytes]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-m", "scenarios.fleet_process"],
        # The workers fill the cores already; threads of theirs for small matrices would only wait, busily.
        env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        start_new_session=True,
    )


def main() -> None:
    """Read one request, run it, write the messages."""
    from simulator.image.builder import ensure_image

    signal.signal(signal.SIGTERM, _stop)
    body: dict[str, Any] = json.load(sys.stdin)
    nights = [NightRequest.from_json(item) for item in body["nights"]]
    messages = run_here(nights, ensure_image(), int(body["workers"]))
    try:
        for message in messages:
            sys.stdout.write(json.dumps(asdict(message)) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        messages.close()  # type: ignore[attr-defined]  # run_here is a generator


def _stop(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
