"""`nvidia-smi` and `dcgmi`. Every GPU node has one device; without a node they answer for all of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from reference_platform.errors import CommandError, nearest
from simulator.cluster.objects import Node
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.kinds import node_named
from simulator.shell.tools.nvidia.box import DRIVER, Device, Process, box, device, on_each
from simulator.shell.tools.nvidia.report import GROUPS_DEFAULT, details, monitor, processes

FULL_RATIO = 0.9
LINES_MAX = 10
READINGS = 3
"""How often `-l` reads before it gives the line back, which nobody can interrupt."""
LOOP_MAX_S = 20.0
Value = Callable[[Device], tuple[str, str]]
"""A value and its unit."""

FIELDS: dict[str, Value] = {
    "index": lambda _: ("0", ""),
    "count": lambda _: ("1", ""),
    "name": lambda gpu: (gpu.name, ""),
    "node": lambda gpu: (gpu.node, ""),
    "uuid": lambda gpu: (gpu.uuid, ""),
    "pci.bus_id": lambda gpu: (gpu.bus_id, ""),
    "timestamp": lambda gpu: (gpu.clock, ""),
    "driver_version": lambda _: (DRIVER, ""),
    "pstate": lambda _: ("P0", ""),
    "clocks.sm": lambda gpu: (f"{gpu.graphics_clock_mhz}", "MHz"),
    "clocks.mem": lambda gpu: (f"{gpu.memory_clock_mhz}", "MHz"),
    "ecc.mode.current": lambda _: ("Enabled", ""),
    "temperature.memory": lambda gpu: (f"{gpu.memory_heat_c:.0f}", ""),
    "memory.used": lambda gpu: (f"{gpu.used_mib}", "MiB"),
    "memory.free": lambda gpu: (f"{gpu.total_mib - gpu.used_mib}", "MiB"),
    "memory.total": lambda gpu: (f"{gpu.total_mib}", "MiB"),
    "utilization.gpu": lambda gpu: (f"{gpu.busy_percent:.0f}", "%"),
    "utilization.memory": lambda gpu: (f"{gpu.memory_busy_percent:.0f}", "%"),
    "temperature.gpu": lambda gpu: (f"{gpu.heat_c:.0f}", ""),
    "power.draw": lambda gpu: (f"{gpu.power_w:.2f}", "W"),
    "power.limit": lambda gpu: (f"{gpu.cap_w:.2f}", "W"),
    "ecc.errors.uncorrected.volatile.total": lambda _: ("0", ""),
    "ecc.errors.corrected.volatile.total": lambda _: ("0", ""),
}


App = Callable[[Device, Process], str]
APP_FIELDS: dict[str, tuple[str, App]] = {
    "node": ("node", lambda gpu, _: gpu.node),
    "pid": ("pid", lambda _, item: str(item.pid)),
    "name": ("process_name", lambda _, item: item.name),
    "process_name": ("process_name", lambda _, item: item.name),
    "used_memory": ("used_gpu_memory [MiB]", lambda _, item: str(item.used_mib)),
    "used_gpu_memory": ("used_gpu_memory [MiB]", lambda _, item: str(item.used_mib)),
    "gpu_name": ("gpu_name", lambda gpu, _: gpu.name),
    "gpu_uuid": ("gpu_uuid", lambda gpu, _: gpu.uuid),
    "gpu_bus_id": ("gpu_bus_id", lambda gpu, _: gpu.bus_id),
    "timestamp": ("timestamp", lambda gpu, _: gpu.clock),
}
"""What `--query-compute-apps` can ask for: its heading and its value."""


def _names(op: Operator) -> Iterable[str]:
    return [node.name for node in op.plant.spec.nodes if node.gpu_memory]


def _chosen(op: Operator, name: str | None) -> list[Node]:
    names = list(_names(op))
    if name is None or name == "0":
        return [op.plant.cluster.nodes[item] for item in names]
    node = node_named(op, name.rpartition("/")[2])
    if node.spec.name not in names:
        raise CommandError(f"NVIDIA-SMI has failed: {node.spec.name} has no GPU", fix=nearest(name, names))
    return [node]


def _flags(parser: Arguments) -> None:
    parser.add_argument("target", nargs="?")
    parser.add_argument("-i", "--id", "--node", dest="node")
    parser.add_argument("--query-gpu", "--query")
    parser.add_argument("--query-compute-apps")
    parser.add_argument("--format", default="csv")
    parser.add_argument("-L", "--list-gpus", action="store_true")
    parser.add_argument("-l", "--loop", type=int)
    parser.add_argument("-c", "--count", type=int)
    parser.add_argument("-q", dest="details", action="store_true")
    parser.add_argument("-d", "--display")
    parser.set_defaults(readings=[])
    parser.add_argument("-pm", "-pl", "-r", "--gpu-reset", "-mig", "-e", dest="setting", nargs="?", const="")


def _seen(op: Operator, nodes: Sequence[Node], text: str, asked: bool) -> Effect:
    """What the GPUs' state shows: the nodes asked for or short of memory, and models that are being loaded there."""
    cluster = op.plant.cluster
    tight = [
        node for node in nodes if cluster.gpu_used_bytes(node.spec.name, op.now_s) > FULL_RATIO * node.spec.gpu_memory
    ]
    about = [node.spec.name for node in (nodes if asked else tight)]
    shown = [node.spec.name for node in nodes]
    loading = [pod for pod in cluster.pods.values() if pod.node in shown and pod.phase == "Loading"]
    models = [cluster.component_of(pod.deployment) for pod in loading if pod.footprint.gpu_memory_bytes]
    return Effect(text, looked=DECLARED, subjects=distinct([*about, *(["gpu-pool"] if about else []), *models]))


def _waits(op: Operator, args: argparse.Namespace) -> float:
    """With -l: a reading every so many seconds, a few times."""
    if args.loop is None or args.loop < 1 or len(args.readings) >= READINGS - 1:
        return 0.0
    args.readings.append(nvidia_smi(op, argparse.Namespace(**vars(args) | {"readings": []})).text)
    return min(float(args.loop), LOOP_MAX_S)


@command("nvidia-smi", "nvidia-smi [-i NODE] [--query-gpu=memory.used,... --format=csv] [-L] [-q]", takes_s=1.5,
         configure=_flags, complete=_names, waits=_waits, looked=("gpu",), sight="gpu")  # fmt: skip
def nvidia_smi(op: Operator, args: argparse.Namespace) -> Effect:
    """GPUs of all nodes, or of one: memory, utilisation, processes."""
    if args.setting is not None:
        raise CommandError(
            "Insufficient Permissions", fix="the responder may look at GPUs; kubectl drain NODE empties one"
        )
    name = args.node or args.target
    nodes = _chosen(op, name)
    gpus = [device(op, node) for node in nodes]
    if args.list_gpus:
        lead = {gpu.node: f"{gpu.node}: " if len(gpus) > 1 else "" for gpu in gpus}
        texts = [f"{lead[gpu.node]}GPU 0: {gpu.name} (UUID: {gpu.uuid})" for gpu in gpus]
        return Effect("\n".join(texts), looked=DECLARED)
    if args.query_gpu or args.query_compute_apps:
        text = _query(gpus, args.query_gpu, args.format) if args.query_gpu else _processes(gpus, args)
    elif args.details:
        text = on_each(gpus, [details(gpu, args.display or "") for gpu in gpus])
    else:
        text = on_each(gpus, ["\n".join(box(gpu)) for gpu in gpus])
    if args.readings:
        readings = [*args.readings, text]
        text = "\n".join([*readings, f"({len(readings)} readings, and left; watch nvidia-smi goes on)"])
    return _seen(op, nodes, text, name is not None)


def _query(gpus: Sequence[Device], wanted: str, form: str) -> str:
    fields = [field.strip() for field in wanted.split(",") if field.strip()]
    for field in fields:
        if field not in FIELDS:
            raise CommandError(f'Field "{field[:40]}" is not a valid field to query.', fix=nearest(field, FIELDS))
    if len(gpus) > 1 and "node" not in fields:
        fields.insert(0, "node")
    units = {field: FIELDS[field](gpus[0])[1] for field in fields}
    head = ", ".join(f"{field} [{units[field]}]" if units[field] else field for field in fields)
    lines = [", ".join(" ".join(part for part in FIELDS[field](gpu) if part) for field in fields) for gpu in gpus]
    bare = [", ".join(FIELDS[field](gpu)[0] for field in fields) for gpu in gpus]
    options = [part.strip() for part in form.split(",")]
    if "csv" not in options or any(part not in ("csv", "noheader", "nounits") for part in options):
        raise CommandError(f'Option "--format={form[:40]}" is not recognized.', fix="csv[,noheader][,nounits]")
    body = bare if "nounits" in options else lines
    return "\n".join(body if "noheader" in options else [head, *body])


def _processes(gpus: Sequence[Device], args: argparse.Namespace) -> str:
    fields = [field.strip() for field in args.query_compute_apps.split(",") if field.strip()]
    for field in fields:
        if field not in APP_FIELDS:
            raise CommandError(f'Field "{field[:40]}" is not a valid field to query.', fix=nearest(field, APP_FIELDS))
    if len(gpus) > 1 and "node" not in fields:
        fields.insert(0, "node")
    lines = [", ".join(APP_FIELDS[field][0] for field in fields)]
    unit = "" if "nounits" in args.format else " MiB"
    for gpu in gpus:
        for item in gpu.processes:
            cells = [APP_FIELDS[field][1](gpu, item) for field in fields]
            lines.append(
                ", ".join(
                    f"{cell}{unit}" if "memory" in field else cell for field, cell in zip(fields, cells, strict=True)
                )
            )
    return "\n".join(lines[1:] if "noheader" in args.format else lines)


def _dmon_flags(parser: Arguments) -> None:
    parser.add_argument("target", nargs="?")
    parser.add_argument("-i", "--node", dest="node")
    parser.add_argument("-c", "--count", type=int)
    parser.add_argument("-s", "--select")
    parser.add_argument("-d", "--delay", type=int)


@command(
    "nvidia-smi dmon",
    "nvidia-smi dmon [-i NODE] [-s pucm] [-c N]",
    takes_s=2.0,
    configure=_dmon_flags,
    complete=_names,
    looked=("gpu",),
    sight="gpu",
)
def dmon(op: Operator, args: argparse.Namespace) -> Effect:
    """One line of device statistics for each GPU."""
    name = args.node or args.target
    nodes = _chosen(op, name)
    count = max(1, min(args.count or 1, LINES_MAX))
    text = monitor([device(op, node) for node in nodes], args.select or GROUPS_DEFAULT, count)
    return _seen(op, nodes, text, name is not None)


@command("nvidia-smi pmon", "nvidia-smi pmon [-i NODE]", takes_s=2.0, configure=_dmon_flags, complete=_names,
         looked=("gpu",), sight="gpu")  # fmt: skip
def pmon(op: Operator, args: argparse.Namespace) -> Effect:
    """Processes on each GPU, and how much of it they use."""
    name = args.node or args.target
    nodes = _chosen(op, name)
    return _seen(op, nodes, processes([device(op, node) for node in nodes]), name is not None)


@command("nvidia-smi topo", "nvidia-smi topo|nvlink|mig|vgpu", takes_s=0.5, rest="query",
         aliases=["nvidia-smi nvlink", "nvidia-smi mig", "nvidia-smi vgpu"], sight="gpu")  # fmt: skip
def topology(op: Operator, args: argparse.Namespace) -> Effect:
    """Nothing to show: each node has one GPU, whole and alone."""
    what = "nvidia-smi: each node has one GPU: there is no topology, no link, no part of one and no virtual one"
    raise CommandError(what, fix="nvidia-smi, nvidia-smi -q, nvidia-smi dmon -s pucm")


def _diag_flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    parser.add_argument("-r", "--run")
    parser.add_argument("-i", "--id")
    parser.add_argument("-e")


def _dcgm_flags(parser: Arguments) -> None:
    parser.add_argument("target", nargs="?")
    parser.add_argument("-i", "--node", dest="node")
    parser.add_argument("-c", "--check", action="store_true")
    parser.add_argument("-l", "--list", action="store_true")
    parser.add_argument("-g", "--group")


@command(
    "dcgmi health",
    "dcgmi health -c [-i NODE]",
    takes_s=2.0,
    configure=_dcgm_flags,
    complete=_names,
    looked=("gpu",),
    sight="gpu",
)
def dcgmi_health(op: Operator, args: argparse.Namespace) -> Effect:
    """Health checks of the GPUs: ECC, Xid errors, thermal, PCIe."""
    nodes = _chosen(op, args.node or args.target)
    rule = "+" + "-" * 27 + "+" + "-" * 58 + "+"
    lines = [rule, f"| {'Health Monitor Report':<85}|", rule.replace("-", "=")]
    for node in nodes:
        lines += [f"| {node.spec.name + ' Overall Health':<26}| {'Healthy':<57}|", rule]
    return Effect("\n".join(lines), looked=DECLARED, subjects=("gpu-pool", *(node.spec.name for node in nodes)))


@command("dcgmi diag", "dcgmi diag -r LEVEL", takes_s=1.0, configure=_diag_flags, complete=_names,
         aliases=["dcgmi dmon", "dcgmi stats", "dcgmi policy"], sight="gpu")  # fmt: skip
def dcgmi_diag(op: Operator, args: argparse.Namespace) -> Effect:
    """Not run while models are served: a diagnosis takes the GPU for itself."""
    raise CommandError("dcgmi: a diagnosis would take the GPUs from the models", fix="dcgmi health -c, nvidia-smi dmon")


@command(
    "dcgmi discovery",
    "dcgmi discovery -l [-i NODE]",
    takes_s=1.0,
    configure=_dcgm_flags,
    complete=_names,
    looked=("gpu",),
    sight="gpu",
)
def dcgmi_discovery(op: Operator, args: argparse.Namespace) -> Effect:
    """GPUs that DCGM has found."""
    rule = "+--------+" + "-" * 70 + "+"
    lines: list[str] = []
    for gpu in (device(op, node) for node in _chosen(op, args.node or args.target)):
        facts = (f"Name: {gpu.name}", f"PCI Bus ID: {gpu.bus_id}", f"Device UUID: {gpu.uuid}")
        lines += [f"{gpu.node}: 1 GPU found.", rule, f"| GPU ID | {'Device Information':<69}|", rule]
        lines += [f"| {'0' if at == 0 else ' ':<7}| {fact:<69}|" for at, fact in enumerate(facts)] + [rule]
    return Effect("\n".join(lines), looked=DECLARED)
