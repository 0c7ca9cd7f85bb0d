"""The world: steps of five minutes in which customers click, pay and are robbed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.engine.streams import Streams
from simulator.world.columns import CLICK_DTYPES, PAYMENT_DTYPES, Array, Columns, Floats, Ints, joined
from simulator.world.customers import Customers
from simulator.world.payments import Payments
from simulator.world.products import Products
from simulator.world.rhythm import DAY_S, Modifier, Rhythm

STEP_S = 300.0

SESSIONS_PER_CUSTOMER_DAY = 3.0
_CLICKS_AFTER_FIRST = 3.0
_PURCHASE_RATIO = 0.06

_STEPS_PER_DAY = round(DAY_S / STEP_S)


@dataclass(frozen=True, slots=True)
class WorldSize:
    """How many of each there are."""

    customers: int = 5000
    products: int = 1500
    categories: int = 24
    merchants: int = 300


class World:
    """Ground truth of the shop. Its state is that of the last completed step, which ended at `now_s`."""

    def __init__(
        self,
        size: WorldSize,
        streams: Streams,
        rhythm: Rhythm,
        step: int,
        parts: tuple[Customers, Products, Payments],
        clicks_from_s: float,
    ) -> None:
        self.size = size
        self.rhythm = rhythm
        self.customers, self.products, self.payments = parts
        self._streams = streams
        self._step = step
        self._clicks_from_s = clicks_from_s

    @classmethod
    def create(
        cls,
        size: WorldSize,
        streams: Streams,
        days_of_history: int,
        calendar_offset_s: float = 0.0,
        payment_days_of_history: int | None = None,
    ) -> World:
        """A new world that begins `days_of_history` before t=0; `advance(0.0)` yields that history.

        `payment_days_of_history`, when longer, begins earlier with payments alone: fraud labels take 90 days.
        """
        rng = streams.get("world/create")
        days = max(days_of_history, payment_days_of_history or 0)
        parts = (
            Customers.create(size.customers, size.categories, rng),
            Products.create(size.products, size.categories, rng),
            Payments.create(size.customers, size.merchants, rng),
        )
        return cls(size, streams, Rhythm(calendar_offset_s), -days * _STEPS_PER_DAY, parts, -days_of_history * DAY_S)

    @property
    def now_s(self) -> float:
        """End of the last completed step; a multiple of 300 s."""
        return self._step * STEP_S

    @property
    def customer_weights(self) -> Floats:
        """How often each customer acts, relative to the others: f8[customers], sum 1."""
        return self.customers.weights

    @property
    def popular_categories(self) -> Ints:
        """All categories, the most wanted in the long run first."""
        return np.argsort(-self.customers.mean_intent(), kind="stable").astype(np.int32)

    def schedule(self, modifiers: tuple[Modifier, ...]) -> None:
        """Replace the exceptions to the ordinary rhythm; they hold from the next step on."""
        self.rhythm = Rhythm(self.rhythm.calendar_offset_s, modifiers)

    def advance(self, to_s: float) -> dict[str, Columns]:
        """Live through all steps that end by `to_s`; raw events of those steps under `clicks` and `payments`, by ts.

        The events are the same however the way to `to_s` is cut into calls.
        """
        clicks: list[Columns] = []
        payments: list[Columns] = []
        last = int(np.floor(to_s / STEP_S))
        mid_s = (np.arange(self._step, last, dtype=np.float64) + 0.5) * STEP_S
        busy_ratios = self.rhythm.ratio(mid_s)
        for busy_ratio in busy_ratios.tolist():
            now_s = self.now_s
            self.payments.step(now_s, STEP_S, self._streams.get("world/fraud"))
            if now_s >= self._clicks_from_s:
                self.customers.step(STEP_S, self._streams.get("world/missions"))
                self.products.step(now_s, STEP_S, self._streams.get("world/trends"))
                clicks.append(self._clicks(now_s, busy_ratio))
            rng = self._streams.get("world/payments")
            payments.append(self.payments.draw_step(self.customers, now_s, STEP_S, busy_ratio, rng))
            self._step += 1
        return {"clicks": joined(clicks, CLICK_DTYPES), "payments": joined(payments, PAYMENT_DTYPES)}

    def _clicks(self, now_s: float, busy_ratio: float) -> Columns:
        """Sessions that begin in this step; their clicks fall between the session's start and the step's end."""
        rng = self._streams.get("world/clicks")
        per_step = self.size.customers * SESSIONS_PER_CUSTOMER_DAY * busy_ratio * STEP_S / DAY_S
        sessions = int(rng.poisson(per_step))
        length = 1 + rng.poisson(_CLICKS_AFTER_FIRST, sessions)
        customer = np.repeat(self.customers.draw(sessions, rng), length)
        begin = np.repeat(rng.random(sessions), length)
        share = begin + (1.0 - begin) * rng.random(customer.shape[0])
        order = np.argsort(share, kind="stable")
        customer = customer[order]
        category = self.customers.draw_categories(customer, rng)
        return {
            "ts": now_s + share[order] * STEP_S,
            "customer": customer,
            "product": self.products.draw(category, rng),
            "category": category,
            "purchased": rng.random(customer.shape[0]) < _PURCHASE_RATIO,
        }

    def state(self) -> dict[str, Array]:
        """The whole state as plain arrays, fit for an .npz file."""
        parts = {
            "customers": self.customers.state(),
            "products": self.products.state(),
            "payments": self.payments.state(),
        }
        named: dict[str, Array] = {"step": np.array(self._step), "clicks_from_s": np.array(self._clicks_from_s)}
        for part, arrays in parts.items():
            named |= {f"{part}.{name}": values for name, values in arrays.items()}
        return named

    @classmethod
    def restore(
        cls,
        size: WorldSize,
        state: Mapping[str, Array],
        streams: Streams,
        calendar_offset_s: float,
        modifiers: tuple[Modifier, ...] = (),
    ) -> World:
        """A world that continues from `state`; what happens next depends on `streams`."""

        def part(prefix: str) -> dict[str, Array]:
            return {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}

        parts = (
            Customers.restore(part("customers.")),
            Products.restore(part("products.")),
            Payments.restore(part("payments.")),
        )
        assert parts[0].mission.shape[0] == size.customers, "state and size disagree"
        rhythm = Rhythm(calendar_offset_s, modifiers)
        return cls(size, streams, rhythm, int(state["step"]), parts, float(state["clicks_from_s"]))
