"""How long a person waits: help, first screen, ready to play. Medians, in a pseudo-terminal, image and caches warm."""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from bench.report import Measured, conclude, smoke_wanted

COMMAND = str(Path(sys.executable).with_name("pagerdrill"))
ROUNDS = 5
WAIT_MAX_S = 60.0


def _seconds_of(flag: str) -> float:
    begin = time.perf_counter()
    subprocess.run([COMMAND, flag], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds to the first screen, to the room with its prompt, and of processor time in all."""

    painted_s: float
    ready_s: float
    cpu_s: float


def _start() -> Start:
    """One start, up to the prompt."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PAGERDRILL_DATA_DIR": folder, "TERM": "xterm-256color"}
        begin = time.perf_counter()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(COMMAND, [COMMAND, "practice"], environment)
        ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        try:
            painted_s = _until(terminal, b"BRIEFING", begin)
            os.write(terminal, b"\r")
            ready_s = _until(terminal, b"ops$", begin)
        finally:
            os.kill(pid, signal.SIGKILL)
            used = os.wait4(pid, 0)[2]
            os.close(terminal)
    return Start(painted_s, ready_s, used.ru_utime + used.ru_stime)


def _until(terminal: int, wanted: bytes, begin: float) -> float:
    seen = b""
    while time.perf_counter() - begin < WAIT_MAX_S:
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65536)
            if wanted in seen:
                return time.perf_counter() - begin
    raise SystemExit(f"{wanted!r} did not appear in {WAIT_MAX_S:.0f} s")


def main() -> int:
    """Print the medians."""
    rounds = 1 if smoke_wanted() else ROUNDS
    _start()
    help_s = statistics.median(_seconds_of("--help") for _ in range(rounds))
    version_s = statistics.median(_seconds_of("--version") for _ in range(rounds))
    starts = [_start() for _ in range(rounds)]
    cpu_s = statistics.median(start.cpu_s for start in starts)
    print(f"practice: {cpu_s:.2f} s of processor time up to the prompt; the rest is waiting, or a busy machine")
    return conclude(
        [
            Measured("pagerdrill --help", help_s, 0.3, "s"),
            Measured("pagerdrill --version", version_s, 0.3, "s"),
            Measured("practice: first screen", statistics.median(start.painted_s for start in starts), 1.0, "s"),
            Measured("practice: ready to play", statistics.median(start.ready_s for start in starts), 6.0, "s"),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
