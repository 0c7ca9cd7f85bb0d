"""What `nvidia-smi -q` and `nvidia-smi dmon` print of a GPU.

Source for the layouts: nvidia-smi of driver 550, its manual page and the output of both forms.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_platform.errors import CommandError
from simulator.shell.tools.nvidia.box import CUDA, DRIVER, Device, on_each

NAME_COLUMNS = 42
Rows = tuple[tuple[int, str, str], ...]
"""Depth below the GPU, name, value; a heading has no value."""


def _memory(gpu: Device) -> Rows:
    return (
        (0, "FB Memory Usage", ""),
        (1, "Total", f"{gpu.total_mib} MiB"),
        (1, "Reserved", "0 MiB"),
        (1, "Used", f"{gpu.used_mib} MiB"),
        (1, "Free", f"{gpu.total_mib - gpu.used_mib} MiB"),
    )


def _utilization(gpu: Device) -> Rows:
    return (
        (0, "Utilization", ""),
        (1, "Gpu", f"{gpu.busy_percent:.0f} %"),
        (1, "Memory", f"{gpu.memory_busy_percent:.0f} %"),
        (1, "Encoder", "0 %"),
        (1, "Decoder", "0 %"),
    )


def _ecc(_: Device) -> Rows:
    kinds = ("SRAM Correctable", "SRAM Uncorrectable", "DRAM Correctable", "DRAM Uncorrectable")
    return (
        (0, "ECC Mode", ""),
        (1, "Current", "Enabled"),
        (1, "Pending", "Enabled"),
        (0, "ECC Errors", ""),
        *((depth, name, value) for when in ("Volatile", "Aggregate")
          for depth, name, value in ((1, when, ""), *((2, kind, "0") for kind in kinds))),
    )  # fmt: skip


def _remapped(_: Device) -> Rows:
    rows = (("Correctable Error", "0"), ("Uncorrectable Error", "0"), ("Pending", "No"),
            ("Remapping Failure Occurred", "No"))  # fmt: skip
    return ((0, "Remapped Rows", ""), *((1, name, value) for name, value in rows))


def _temperature(gpu: Device) -> Rows:
    return (
        (0, "Temperature", ""),
        (1, "GPU Current Temp", f"{gpu.heat_c:.0f} C"),
        (1, "Memory Current Temp", f"{gpu.memory_heat_c:.0f} C"),
    )


def _power(gpu: Device) -> Rows:
    return (
        (0, "GPU Power Readings", ""),
        (1, "Power Draw", f"{gpu.power_w:.2f} W"),
        (1, "Current Power Limit", f"{gpu.cap_w:.2f} W"),
        (1, "Max Power Limit", f"{gpu.cap_w:.2f} W"),
    )


def _clocks(gpu: Device) -> Rows:
    return (
        (0, "Max Clocks", ""),
        (1, "SM", f"{gpu.graphics_clock_mhz} MHz"),
        (1, "Memory", f"{gpu.memory_clock_mhz} MHz"),
    )


def _performance(_: Device) -> Rows:
    reasons = ("Idle", "SW Power Cap", "HW Slowdown", "HW Thermal Slowdown", "SW Thermal Slowdown")
    return (
        (0, "Performance State", "P0"),
        (0, "Clocks Event Reasons", ""),
        *((1, name, "Not Active") for name in reasons),
    )


def _pids(gpu: Device) -> Rows:
    if not gpu.processes:
        return ((0, "Processes", "None"),)
    rows = [(0, "Processes", "")]
    for item in gpu.processes:
        rows += [(1, "Process ID", f"{item.pid}"), (2, "Type", "C"), (2, "Name", item.name),
                 (2, "Used GPU Memory", f"{item.used_mib} MiB")]  # fmt: skip
    return tuple(rows)


_SECTIONS = {
    "MEMORY": _memory,
    "UTILIZATION": _utilization,
    "ECC": _ecc,
    "ROW_REMAPPER": _remapped,
    "TEMPERATURE": _temperature,
    "POWER": _power,
    "CLOCK": _clocks,
    "PERFORMANCE": _performance,
    "PIDS": _pids,
}
"""What `-d` can name, in the order in which it is printed."""


def details(gpu: Device, wanted: str) -> str:
    """`nvidia-smi -q`, of the sections in `wanted`; "" for all. Raises CommandError."""
    asked = [name.strip().upper() for name in wanted.split(",") if name.strip()]
    for name in asked:
        if name not in _SECTIONS:
            raise CommandError(f"Invalid combination of input arguments: -d {name[:40]}", fix=", ".join(_SECTIONS))
    rows: list[tuple[int, str, str]] = []
    if not asked:
        rows += [(0, "Product Name", gpu.name), (0, "Persistence Mode", "Enabled"), (0, "GPU UUID", gpu.uuid),
                 (0, "Bus Id", gpu.bus_id)]  # fmt: skip
    for name, section in _SECTIONS.items():
        if not asked or name in asked:
            rows += section(gpu)
    head = [("Timestamp", gpu.clock), ("Driver Version", DRIVER), ("CUDA Version", CUDA), ("Attached GPUs", "1")]
    lines = ["", "==============NVSMI LOG==============", ""]
    named = [f"{name:<{NAME_COLUMNS}}: {value}" for name, value in head]
    lines += [*named[:-1], "", named[-1], f"GPU {gpu.bus_id}"]
    for depth, name, value in rows:
        lead = "    " * (depth + 1)
        lines.append(f"{lead}{name:<{NAME_COLUMNS - len(lead)}}: {value}" if value else f"{lead}{name}")
    return "\n".join(lines)


_GROUPS = {
    "p": (("pwr", "W"), ("gtemp", "C"), ("mtemp", "C")),
    "u": (("sm", "%"), ("mem", "%"), ("enc", "%"), ("dec", "%"), ("jpg", "%"), ("ofa", "%")),
    "c": (("mclk", "MHz"), ("pclk", "MHz")),
    "v": (("pviol", "%"), ("tviol", "bool")),
    "m": (("fb", "MB"), ("bar1", "MB"), ("ccpm", "MB")),
    "e": (("sbecc", "errs"), ("dbecc", "errs"), ("pci", "errs")),
    "t": (("rxpci", "MB/s"), ("txpci", "MB/s")),
}
"""Columns of `dmon` by the letter of -s, with their units."""
GROUPS_DEFAULT = "puc"
_UNMEASURED = ("rxpci", "txpci", "bar1", "ccpm")


def monitor(gpus: Sequence[Device], groups: str, count: int) -> str:
    """`nvidia-smi dmon`: `count` lines of each GPU with the groups of columns asked for. Raises CommandError."""
    for letter in groups:
        if letter not in _GROUPS:
            raise CommandError(f"Invalid metric group: {letter}", fix=f"-s takes letters of {''.join(_GROUPS)}")
    columns = [column for letter in dict.fromkeys(groups) for column in _GROUPS[letter]]
    head = [
        "# gpu " + " ".join(f"{name:>6}" for name, _ in columns),
        "# Idx " + " ".join(f"{unit:>6}" for _, unit in columns),
    ]
    texts = []
    for gpu in gpus:
        values = _measured(gpu)
        row = f"{0:>5} " + " ".join(f"{values.get(name, '0'):>6}" for name, _ in columns)
        texts.append("\n".join([*head, *[row] * count]))
    return on_each(gpus, texts, "\n")


def processes(gpus: Sequence[Device]) -> str:
    """`nvidia-smi pmon`: the processes of each GPU with their share of it."""
    names = ("sm", "mem", "enc", "dec", "jpg", "ofa")
    head = [
        f"# gpu {'pid':>11}   type " + " ".join(f"{name:>6}" for name in names) + "    command ",
        f"# Idx {'#':>11}    C/G " + " ".join(f"{'%':>6}" for _ in names) + "    name ",
    ]
    texts = []
    for gpu in gpus:
        total_mib = sum(item.used_mib for item in gpu.processes) or 1
        rows = []
        for item in gpu.processes:
            busy = gpu.busy_percent * item.used_mib / total_mib
            shares = [f"{busy:.0f}", f"{busy * 0.6:.0f}", *["-"] * 4]
            cells = " ".join(f"{share:>6}" for share in shares)
            rows.append(f"{0:>5} {item.pid:>11}     C  {cells}    {item.name.rpartition('/')[2]:<14} ")
        rows = rows or [f"{0:>5} {'-':>11}     -  " + " ".join(f"{'-':>6}" for _ in names) + "    -              "]
        texts.append("\n".join([*head, *rows]))
    return on_each(gpus, texts, "\n")


def _measured(gpu: Device) -> dict[str, str]:
    return {
        "pwr": f"{gpu.power_w:.0f}",
        "gtemp": f"{gpu.heat_c:.0f}",
        "mtemp": f"{gpu.memory_heat_c:.0f}",
        "sm": f"{gpu.busy_percent:.0f}",
        "mem": f"{gpu.memory_busy_percent:.0f}",
        "mclk": f"{gpu.memory_clock_mhz}",
        "pclk": f"{gpu.graphics_clock_mhz}",
        "fb": f"{gpu.used_mib}",
        **dict.fromkeys(_UNMEASURED, "-"),
    }
