"""`mlflow experiments|runs|artifacts|models`: what the command line of MLflow itself has.

Source: MLflow, mlflow/experiments.py, runs.py, store/artifact/cli.py and utils/string_utils.py, as of 2.20.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from reference_platform.errors import CommandError
from reference_platform.registry.port import ModelVersion
from simulator.shell.calendar import moment
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.mlflow.mlflow import reach, runs_list

GAP = "  "
HEADER_EXTRA, COLUMN_MIN = 2, 4
ARTIFACTS = (("model/MLmodel", False), ("model/weights.npz", False), ("model/requirements.txt", False))


def listed(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as MLflow draws it."""
    widths = [
        max(COLUMN_MIN, len(header) + HEADER_EXTRA, *(len(row[at]) for row in rows))
        for at, header in enumerate(headers)
    ]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _experiments(op: Operator) -> dict[str, str]:
    """Names of experiments by their ids: one for each model."""
    return {str(at): name for at, name in enumerate(op.plant.registry.names(), 1)}


def _anything(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    parser.add_argument("--view", "-v", default="")
    parser.add_argument("--experiment-id", default="")
    parser.add_argument("--run-id", "-r", default="")
    parser.add_argument("--artifact-path", "-a", default="")


def _required(option: str) -> CommandError:
    return CommandError(f"Error: Missing option '{option}'.", fix="mlflow experiments search, mlflow runs list")


def _run(op: Operator, run_id: str) -> ModelVersion:
    """The version that came of a run; a beginning that is unique is enough. Raises CommandError."""
    if not run_id:
        raise _required("--run-id' / '-r")
    registry = op.plant.registry
    everything = [item for name in registry.names() for item in registry.versions(name)]
    found = [item for item in everything if item.run_id.startswith(run_id)]
    if len(found) != 1:
        what = f"mlflow.exceptions.RestException: RESOURCE_DOES_NOT_EXIST: Run '{run_id[:60]}' not found"
        raise CommandError(what, fix="mlflow runs list --experiment-id 1 lists those of a model")
    return found[0]


@command("mlflow experiments search", "mlflow experiments search", takes_s=2.0, configure=_anything,
         looked=("registry",), sight="registry",
         aliases=["mlflow experiments list", "mlflow experiments"])  # fmt: skip
def experiments(op: Operator, args: argparse.Namespace) -> Effect:
    """Experiments of the tracking server: one for each model."""
    reach(op)
    rows = [(number, name, f"mlflow-artifacts:/{number}") for number, name in _experiments(op).items()]
    return Effect(listed(("Experiment Id", "Name", "Artifact Location"), rows), looked=DECLARED)


def _run_name(item: ModelVersion) -> str:
    return f"{item.name}-v{item.version}"


@command("mlflow runs list", "mlflow runs list --experiment-id ID", takes_s=2.0, configure=_anything,
         looked=("registry",), sight="registry")  # fmt: skip
def runs(op: Operator, args: argparse.Namespace) -> Effect:
    """Runs of an experiment, the newest first."""
    reach(op)
    if args.words and not args.experiment_id:
        return runs_list(op, argparse.Namespace(name=args.words[0]))
    if not args.experiment_id:
        raise _required("--experiment-id")
    known = _experiments(op)
    if args.experiment_id not in known:
        what = (
            f"mlflow.exceptions.RestException: RESOURCE_DOES_NOT_EXIST: No Experiment with id={args.experiment_id[:20]}"
        )
        raise CommandError(f"{what} exists", fix="mlflow experiments search")
    name = known[args.experiment_id]
    rows = [(f"{moment(op, item.created_at_s):%Y-%m-%d %H:%M:%S} UTC", _run_name(item), item.run_id)
            for item in reversed(op.plant.registry.versions(name))]  # fmt: skip
    return Effect(listed(("Date", "Name", "ID"), rows), looked=DECLARED, subjects=(name,))


@command("mlflow runs describe", "mlflow runs describe --run-id ID", takes_s=2.0, configure=_anything,
         looked=("registry",), sight="registry")  # fmt: skip
def describe(op: Operator, args: argparse.Namespace) -> Effect:
    """A run: its metrics and tags, as JSON."""
    reach(op)
    item = _run(op, args.run_id or "".join(args.words[:1]))
    started = int(moment(op, item.created_at_s).timestamp() * 1000)
    info = {"run_id": item.run_id, "run_name": _run_name(item), "status": "FINISHED", "start_time": started,
            "end_time": started, "lifecycle_stage": "active",
            "artifact_uri": f"mlflow-artifacts:/{item.run_id}/artifacts"}  # fmt: skip
    document = {"info": info, "data": {"metrics": dict(item.metrics), "params": {}, "tags": dict(item.tags)}}
    return Effect(json.dumps(document, indent=4), looked=DECLARED, subjects=(item.name,))


@command("mlflow artifacts list", "mlflow artifacts list --run-id ID", takes_s=2.0, configure=_anything,
         looked=("registry",), sight="registry",
         aliases=["mlflow artifacts"])  # fmt: skip
def artifacts(op: Operator, args: argparse.Namespace) -> Effect:
    """Files of a run, as JSON; with --artifact-path those below a folder."""
    reach(op)
    item = _run(op, args.run_id)
    shown = ARTIFACTS if args.artifact_path.rstrip("/") == "model" else (("model", True),)
    files = [{"path": path, "is_dir": is_dir} for path, is_dir in (() if item.status != "READY" else shown)]
    return Effect(json.dumps(files), looked=DECLARED, subjects=(item.name,))


@command("mlflow models serve", "mlflow models serve|predict|build-docker", takes_s=0.5, rest="query",
         aliases=["mlflow models predict", "mlflow models build-docker",
                  "mlflow models generate-dockerfile"], sight="registry")  # fmt: skip
def serve(op: Operator, args: argparse.Namespace) -> Effect:
    """Closed: models are served by deployments."""
    what = "mlflow models: models are served by deployments, and nothing is built or run here"
    raise CommandError(what, fix="kubectl get deploy; mlflow models list")
