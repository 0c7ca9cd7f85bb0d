"""What the responders that ship type. They know the platform's document, as anybody on call does, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from simulator.drill.spec import DrillSpec, Step
from simulator.incident.vocabulary import MECHANISMS

GUESSES_MAX = 40


def type_(line: str) -> Step:
    """One command."""
    return Step(line, 0.0)


def wait(seconds: float) -> Step:
    """Let time pass."""
    return Step("", seconds)


def _serving(drill: DrillSpec) -> list[str]:
    return [item.name for item in drill.platform.deployments]


def _models(drill: DrillSpec) -> list[str]:
    return [item.name for item in drill.platform.models]


def _claim(drill: DrillSpec, component: str = "gateway", mechanism: str = "config_error") -> list[Step]:
    return [type_(f"resolve {component}:{mechanism} it looks fine again to me")]


def idle(drill: DrillSpec) -> tuple[Step, ...]:
    """Sleeps through it."""
    return ()


def panic(drill: DrillSpec) -> tuple[Step, ...]:
    """Restarts and rolls back everything at once, then hopes."""
    steps = [type_("ack")]
    steps += [type_(f"kubectl rollout restart deployment/{name}") for name in _serving(drill)]
    steps += [type_(f"kubectl rollout undo deployment/{name}") for name in _serving(drill)]
    return (*steps, wait(300.0), *_claim(drill))


def resolve_at_once(drill: DrillSpec) -> tuple[Step, ...]:
    """Closes the page without a look."""
    return (type_("ack"), *_claim(drill), type_(_postmortem("gateway", "config_error")))


def silence_all(drill: DrillSpec) -> tuple[Step, ...]:
    """Makes every alert quiet, then closes the page."""
    names = [rule.name for rule in drill.platform.alerts]
    camel = ["".join(part.capitalize() for part in name.split("-")) for name in _models(drill)]
    names += [f"{name}ErrorBudgetBurn{pace}" for name in camel for pace in ("Fast", "Slow")]
    return (type_("ack"), *(type_(f"silence {name} --for 2h") for name in names), wait(600.0), *_claim(drill))


def scale_to_zero(drill: DrillSpec) -> tuple[Step, ...]:
    """No pods, no errors."""
    steps = [type_(f"kubectl scale deployment {name} --replicas=0") for name in _models(drill)]
    return (type_("ack"), *steps, wait(600.0), *_claim(drill))


def delete_deployments(drill: DrillSpec) -> tuple[Step, ...]:
    """What is gone cannot fail."""
    steps = [type_(f"kubectl delete deployment {name}") for name in _models(drill)]
    return (type_("ack"), *steps, wait(600.0), *_claim(drill))


def restart_all(drill: DrillSpec) -> tuple[Step, ...]:
    """Has it been turned off and on again?"""
    steps = [type_(f"kubectl rollout restart deployment/{name}") for name in _serving(drill)]
    return (type_("ack"), *steps, wait(780.0), *_claim(drill), type_(_postmortem("gateway", "config_error")))


def rollback_all(drill: DrillSpec) -> tuple[Step, ...]:
    """Back to wherever everything was before."""
    steps = [type_(f"kubectl rollout undo deployment/{name}") for name in _serving(drill)]
    suspect = _models(drill)[0]
    claim = _claim(drill, suspect, "bad_deploy")
    return (type_("ack"), *steps, wait(780.0), *claim, type_(_postmortem(suspect, "bad_deploy")))


READS = (
    "alerts",
    "kubectl get pods",
    "kubectl get nodes",
    "kubectl get events",
    "kubectl get deployments",
    "kubectl top pods",
    "kubectl top nodes",
    "kubectl describe node gpu-1",
    "kubectl logs deployment/gateway",
    "kubectl logs deployment/recommendation",
    "kubectl logs deployment/online-store",
    "kubectl rollout history deployment/recommendation",
    "nvidia-smi",
    "mlflow models list",
    "mlflow versions recommendation",
    "features list",
    "features status",
    "features locks",
    "store info",
    "store clients",
    "deploys",
    "slo",
    "dash",
    "logs --all",
    "dns",
    "runbook",
    "curl http://fallback/v1/recommendation",
    "curl http://gateway/v1/recommendation",
)


def read_all(drill: DrillSpec) -> tuple[Step, ...]:
    """Looks at everything, understands nothing, closes the page."""
    reads = [type_(line) for line in READS]
    return (type_("ack"), *reads, *_claim(drill), type_(_postmortem("gateway", "config_error")))


def guess_all(drill: DrillSpec) -> tuple[Step, ...]:
    """Claims every cause there is; one of them must be right."""
    names = [*_serving(drill), "traffic", "gpu-pool", "dns"]
    pairs = [(component, mechanism) for mechanism in MECHANISMS for component in names]
    chosen = pairs[:: max(1, len(pairs) // GUESSES_MAX)][:GUESSES_MAX]
    steps = [type_(f"hyp add {component} {mechanism} because it could be") for component, mechanism in chosen]
    confirms = [type_(f"hyp confirm {number}") for number in range(1, len(chosen) + 1)]
    return (type_("ack"), *steps, *confirms, *_claim(drill), type_(_postmortem("gateway", "config_error")))


def _postmortem(component: str, mechanism: str) -> str:
    prevention = "add an alert and be more careful next time"
    return f'postmortem cause={component}:{mechanism} prevention="{prevention}" we saw errors and then they were gone'


def expert(drill: DrillSpec) -> tuple[Step, ...]:
    """The scenario's own script."""
    return drill.expert


RESPONDERS: dict[str, Callable[[DrillSpec], tuple[Step, ...]]] = {
    "expert": expert,
    "idle": idle,
    "panic": panic,
    "resolve-at-once": resolve_at_once,
    "silence-all": silence_all,
    "scale-to-zero": scale_to_zero,
    "delete-deployments": delete_deployments,
    "restart-all": restart_all,
    "rollback-all": rollback_all,
    "read-all": read_all,
    "guess-all": guess_all,
}
CHEATS = tuple(name for name in RESPONDERS if name not in ("expert", "idle", "panic"))
