"""A GPU as its driver reports it, and the box in which nvidia-smi draws it.

Source for the layout: nvidia-smi of driver 550, 91 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from simulator.cluster.objects import Node, Pod
from simulator.plant.gpu import Gpu, gpu_holders, gpu_of
from simulator.shell.calendar import ctime
from simulator.shell.context import Operator

DRIVER = "550.54.15"
CUDA = "12.4"
PID_FIRST, PID_LAST = 4_000, 4_000_000

HEAD_RULE = "|" + "-" * 41 + "+" + "-" * 24 + "+" + "-" * 22 + "+"
RULE = "+-----------------------------------------+------------------------+----------------------+"
EDGE = "+" + "-" * 89 + "+"
COLUMNS = (
    "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
    "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
    "|                                         |                        |               MIG M. |",
)
PROCESS_COLUMNS = (
    "| Processes:                                                                              |",
    "|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |",
    "|        ID   ID                                                               Usage      |",
)
NO_PROCESSES = "|  No running processes found                                                             |"


@dataclass(frozen=True, slots=True)
class Process:
    """`name` is the program as the node sees it: nvidia-smi knows no pods."""

    pid: int
    name: str
    used_mib: int


@dataclass(frozen=True, slots=True)
class Device(Gpu):
    """A GPU as its driver names it and whom it serves."""

    node: str
    clock: str
    processes: tuple[Process, ...]

    @property
    def mig(self) -> str:
        """Whether the board is divided: only some can be."""
        return "Disabled" if "A100" in self.name else "N/A"

    @property
    def bus_id(self) -> str:
        return f"00000000:{_digest(self.node)[0] % 0xE0 + 1:02X}:00.0"

    @property
    def uuid(self) -> str:
        digits = _digest(self.node).hex()
        return f"GPU-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def pid_of(pod: Pod) -> int:
    """The process of a pod's container on its node: another one after every start."""
    number = int.from_bytes(_digest(f"{pod.name}/{pod.restarts}")[:6], "big")
    return PID_FIRST + number % (PID_LAST - PID_FIRST)


def device(op: Operator, node: Node) -> Device:
    """The GPU of a node now."""
    state = gpu_of(op.plant, node)
    holders = sorted(gpu_holders(op.plant, node), key=lambda held: pid_of(held[0]))
    processes = tuple(Process(pid_of(pod), f"/opt/{pod.deployment}/bin/python3", used_mib) for pod, used_mib in holders)
    return Device(
        state.name, state.used_mib, state.total_mib, state.busy_percent,
        node.spec.name, ctime(op, op.now_s), processes,
    )  # fmt: skip


def on_each(gpus: Sequence[Device], texts: Sequence[str], gap: str = "\n\n") -> str:
    """What a program printed on each node; of several, each under its node's name, as clush -b prints it."""
    if len(gpus) == 1:
        return texts[0]
    rule = "-" * 15
    return gap.join(f"{rule}\n{gpu.node}\n{rule}\n{text}" for gpu, text in zip(gpus, texts, strict=True))


def box(gpu: Device) -> list[str]:
    """What `nvidia-smi` prints on the node."""
    first = f"|   0  {gpu.name:<31.31}On  |   {gpu.bus_id} Off | {0:>20} |"
    second = (
        f"| N/A {gpu.heat_c:>4.0f}C    P0{gpu.power_w:>15.0f}W /{gpu.cap_w:>5.0f}W |"
        f"{gpu.used_mib:>8}MiB / {gpu.total_mib:>6}MiB |{gpu.busy_percent:>7.0f}%      Default |"
    )
    third = f"|{'':41}|{'':24}|{gpu.mig:>21} |"
    lines = [
        f"{gpu.clock:<31}",
        EDGE,
        f"| NVIDIA-SMI {DRIVER:<22} Driver Version: {DRIVER:<14} CUDA Version: {CUDA:<8} |",
        HEAD_RULE,
        *COLUMNS,
        "|" + RULE[1:-1].replace("-", "=") + "|",
        first,
        second,
        third,
        RULE,
        " " * len(EDGE),
        EDGE,
        *PROCESS_COLUMNS,
        "|" + "=" * 89 + "|",
    ]
    processes = [
        f"|    0   N/A  N/A{item.pid:>11}      C   {item.name:<40.40}{item.used_mib:>8}MiB |" for item in gpu.processes
    ]
    return [*lines, *(processes or [NO_PROCESSES]), EDGE]
