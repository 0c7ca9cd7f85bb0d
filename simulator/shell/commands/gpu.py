"""`nvidia-smi` and `dcgmi`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError, nearest
from simulator.cluster.lifecycle import gpu_memory_bytes
from simulator.cluster.objects import Node
from simulator.shell.calendar import clock
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import node_named
from simulator.shell.registry import Arguments, command

DRIVER = "550.54.15"
CUDA = "12.4"
IDLE_W, FULL_RATIO = 30.0, 0.9
POWER_W = {"NVIDIA RTX A4500": 200, "NVIDIA A100-SXM4-80GB": 400}
FIELDS = ("index", "name", "node", "memory.used", "memory.total", "memory.free", "utilization.gpu", "driver_version")


def _nodes(op: Operator) -> Iterable[str]:
    return [node.name for node in op.plant.spec.nodes if node.gpu_memory]


def _chosen(op: Operator, name: str | None) -> list[Node]:
    names = list(_nodes(op))
    if name is None:
        return [op.plant.cluster.nodes[item] for item in names]
    node = node_named(op, name)
    if name not in names:
        raise CommandError(f"NVIDIA-SMI has failed: {name} has no GPU", fix=nearest(name, names))
    return [node]


def _busy(op: Operator, node: Node) -> float:
    return max(0.0, op.plant.store.series("DCGM_FI_DEV_GPU_UTIL", {"node": node.spec.name}).last_value or 0.0)


def _flags(parser: Arguments) -> None:
    parser.add_argument("target", nargs="?")
    parser.add_argument("-i", "--id", "--node", dest="node")
    parser.add_argument("--query-gpu")
    parser.add_argument("--format", default="csv")
    parser.add_argument("-L", "--list-gpus", action="store_true")


@command("nvidia-smi", "nvidia-smi [NODE] [-i NODE] [--query-gpu=memory.used,... --format=csv]", takes_s=1.5,
         configure=_flags, complete=_nodes)  # fmt: skip
def nvidia_smi(op: Operator, args: argparse.Namespace) -> Effect:
    """GPUs of all nodes, or of one: memory, utilisation, processes."""
    nodes = _chosen(op, args.node or args.target)
    tight = [
        n for n in nodes if op.plant.cluster.gpu_used_bytes(n.spec.name, op.now_s) > FULL_RATIO * n.spec.gpu_memory
    ]
    about = nodes if len(nodes) == 1 else tight
    subjects = (*(node.spec.name for node in about), *(("gpu-pool",) if about else ()))
    if args.list_gpus:
        text = "\n".join(f"{node.spec.name}: GPU 0: {node.spec.gpu_name}" for node in nodes)
    elif args.query_gpu:
        text = _query(op, nodes, args.query_gpu)
    else:
        text = "\n\n".join(_box(op, node) for node in nodes)
    return Effect(text, looked=("gpu",), subjects=subjects)


def _query(op: Operator, nodes: list[Node], wanted: str) -> str:
    fields = [field.strip() for field in wanted.split(",") if field.strip()]
    for field in fields:
        if field not in FIELDS:
            raise CommandError(f'Field "{field[:40]}" is not a valid field to query.', fix=nearest(field, FIELDS))
    lines = [", ".join(fields)]
    for node in nodes:
        used = op.plant.cluster.gpu_used_bytes(node.spec.name, op.now_s) >> 20
        total = node.spec.gpu_memory >> 20
        values = {
            "index": "0",
            "name": node.spec.gpu_name,
            "node": node.spec.name,
            "memory.used": f"{used} MiB",
            "memory.total": f"{total} MiB",
            "memory.free": f"{total - used} MiB",
            "utilization.gpu": f"{_busy(op, node):.0f} %",
            "driver_version": DRIVER,
        }
        lines.append(", ".join(values[field] for field in fields))
    return "\n".join(lines)


def _box(op: Operator, node: Node) -> str:
    used, total = op.plant.cluster.gpu_used_bytes(node.spec.name, op.now_s) >> 20, node.spec.gpu_memory >> 20
    busy = _busy(op, node)
    cap = POWER_W.get(node.spec.gpu_name, 300)
    power = IDLE_W + (cap - IDLE_W) * busy / 100.0
    heat = 34 + 0.4 * busy
    rule = "+" + "-" * 41 + "+" + "-" * 24 + "+" + "-" * 22 + "+"
    name = f"   0  {node.spec.gpu_name}"
    memory = f"{used}MiB / {total}MiB"
    lines = [
        f"{node.spec.name}  {clock(op, op.now_s)}",
        "+" + "-" * 89 + "+",
        f"| NVIDIA-SMI {DRIVER:<22} Driver Version: {DRIVER:<14} CUDA Version: {CUDA:<8} |",
        rule,
        f"| {'GPU  Name                 Persistence-M':<39} | {'Bus-Id          Disp.A':<22} | {'Volatile Uncorr. ECC':<20} |",
        f"| {'Fan  Temp   Perf          Pwr:Usage/Cap':<39} | {'Memory-Usage':>22} | {'GPU-Util  Compute M.':<20} |",
        rule.replace("-", "="),
        f"|{name:<36}  On | {'00000000:C1:00.0 Off':<22} | {'0':>20} |",
        f"| N/A   {heat:>2.0f}C    P0             {power:>4.0f}W / {cap:>4}W | {memory:>22} | {busy:>5.0f}%      Default |",
        rule,
        "| Processes:" + " " * 78 + "|",
    ]
    for index, pod in enumerate(p for p in op.plant.cluster.pods.values() if p.node == node.spec.name):
        size = gpu_memory_bytes(pod, op.now_s) >> 20
        if size:
            lines.append(f"|    0   N/A  N/A  {20411 + 37 * index:>8}      C   {pod.name:<42} {size:>7}MiB |")
    return "\n".join([*lines, "+" + "-" * 89 + "+"])


def _dcgm_flags(parser: Arguments) -> None:
    parser.add_argument("-c", "--check", action="store_true")
    parser.add_argument("-l", "--list", action="store_true")
    parser.add_argument("node", nargs="?")


@command("dcgmi health", "dcgmi health -c [NODE]", takes_s=2.0, configure=_dcgm_flags, complete=_nodes)
def dcgmi_health(op: Operator, args: argparse.Namespace) -> Effect:
    """Health checks of the GPUs: ECC, Xid errors, thermal, PCIe."""
    nodes = _chosen(op, args.node)
    text = "\n".join(f"{node.spec.name}  GPU 0  Overall Health: Healthy (no Xid, no ECC errors)" for node in nodes)
    return Effect(text, looked=("gpu",), subjects=("gpu-pool", *(node.spec.name for node in nodes)))


@command("dcgmi discovery", "dcgmi discovery -l", takes_s=1.0, configure=_dcgm_flags)
def dcgmi_discovery(op: Operator, args: argparse.Namespace) -> Effect:
    """GPUs that DCGM has found."""
    nodes = _chosen(op, args.node)
    return Effect("\n".join(f"{node.spec.name}: 1 GPU found, {node.spec.gpu_name}" for node in nodes), looked=("gpu",))
