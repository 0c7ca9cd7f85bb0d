"""Sums of floats that do not depend on the order or the grouping of the summands, and variances made of them.

A summand is cut into digits of base 2^32 at fixed absolute positions; digits of equal position add up as integers.
Per sum the four highest positions are kept, counted from the largest summand seen, so every digit that is kept was
kept from the start: merging is associative and commutative to the last bit. What is cut off is below 2^-96 of the
largest summand, per summand. The idea is that of indexed sums.
Source: Demmel and Nguyen, Parallel Reproducible Summation, IEEE Transactions on Computers 64(7), 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 4
DIGIT_BITS = 32
NOTHING = -(1 << 20)
"""Position of the highest digit of a sum without any."""
POSITIVE, NEGATIVE, NAN = 1, 2, 4
"""What a sum holds that is no number: bits of `special`."""
NOISE_RATIO = 2.0**-94
"""A sum of squares is known to this part of itself; deviations below are no deviations."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_LOW = (1 << DIGIT_BITS) - 1


@dataclass(frozen=True, slots=True)
class Sums:
    """n sums. `top` int64[n]: position of the first digit; `digits` int64[n, 4], highest first; `special` uint8[n]."""

    top: Ints
    digits: Ints
    special: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.top)

    def take(self, index: NDArray[np.integer]) -> Sums:
        """The sums at `index`."""
        return Sums(self.top[index], self.digits[index], self.special[index])

    def joined(self, others: Sequence[Sums]) -> Sums:
        """These, then those of `others`."""
        every = (self, *others)
        return Sums(
            np.concatenate([one.top for one in every]),
            np.concatenate([one.digits for one in every]),
            np.concatenate([one.special for one in every]),
        )

    def reduce(self, starts: Ints) -> Sums:
        """One sum per run of slots: [starts[i], starts[i + 1]). No run is empty."""
        top = np.maximum.reduceat(self.top, starts)
        special = np.bitwise_or.reduceat(self.special, starts)
        lengths = np.diff(starts, append=len(self.top))
        down = np.repeat(top, lengths) - self.top
        digits = self.digits
        if down.any():
            digits = np.zeros_like(digits)
            for step in range(DIGITS):
                rows = np.flatnonzero(down == step)
                digits[rows, step:] = self.digits[rows, : DIGITS - step]
        return Sums(top, np.add.reduceat(digits, starts, axis=0), special)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name."""
        return {"top": self.top, "digits": self.digits, "special": self.special}


def restored_sums(arrays: Mapping[str, NDArray[Any]]) -> Sums:
    """What `Sums.arrays` gave."""
    return Sums(arrays["top"], arrays["digits"], arrays["special"])


def no_sums(rows: int = 1) -> Sums:
    """Sums of nothing."""
    return Sums(
        np.full(rows, NOTHING, dtype=np.int64),
        np.zeros((rows, DIGITS), dtype=np.int64),
        np.zeros(rows, dtype=np.uint8),
    )


def sums_of(values: Floats) -> Sums:
    """Each value as a sum of its own, exactly."""
    mantissa, exponent, special = _taken_apart(values)
    return _placed([(mantissa, exponent)], special)


def sums_of_squares(values: Floats) -> Sums:
    """The square of each value as a sum of its own, to 2^-96 of it."""
    mantissa, exponent, special = _taken_apart(values)
    special = np.where(special & NEGATIVE, special ^ (NEGATIVE | POSITIVE), special).astype(np.uint8)
    size = np.abs(mantissa)
    high, low = size >> 27, size & ((1 << 27) - 1)
    parts = [(high * high, 2 * exponent + 54), (2 * high * low, 2 * exponent + 27), (low * low, 2 * exponent)]
    return _placed(parts, special)


def totals(sums: Sums) -> Floats:
    """The sums as floats, within one unit in the last place of what the digits say; inf beyond the range of floats."""
    high, low, scale = _doubled(sums)
    return _with_special(_scaled(high + low, scale), sums)


def means(sums: Sums, counts: Ints) -> Floats:
    """Sum over count; NaN where the count is 0."""
    high, low, scale = _doubled(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _with_special(_scaled((high + low) / counts, scale), sums)


def variances(sums: Sums, squares: Sums, counts: Ints) -> Floats:
    """Population variances, (Q - S^2 / n) / n in twice the precision of floats; NaN where n is 0.

    S: the sum, Q: the sum of squares, n: the count. With mean m and variance v the error is at most
    2^-50 v + 2^-90 m^2. Equal values have variance 0.
    """
    s_high, s_low, s_scale = _doubled(sums)
    q_high, q_low, q_scale = _doubled(squares)
    apart = q_scale - 2 * s_scale
    with np.errstate(all="ignore"):
        q_high, q_low = np.ldexp(q_high, apart), np.ldexp(q_low, apart)
        n = counts.astype(np.float64)
        p_high, p_low = _product(s_high, s_high)
        p_low += 2.0 * s_high * s_low
        d_high = p_high / n
        back_high, back_low = _product(d_high, n)
        d_low = ((p_high - back_high) - back_low + p_low) / n
        high, error = _two_sum(q_high, -d_high)
        spread = high + (error + (q_low - d_low))
        spread = np.where(spread > NOISE_RATIO * q_high, spread, 0.0)
        found = np.where(counts == 0, np.nan, np.where(counts == 1, 0.0, spread / n))
    found = _scaled(found, 2 * s_scale)
    return np.where(sums.special != 0, np.nan, found)


def _taken_apart(values: Floats) -> tuple[Ints, Ints, NDArray[np.uint8]]:
    """values = mantissa * 2^exponent; what is no number goes to the third."""
    special = np.zeros(len(values), dtype=np.uint8)
    odd = ~np.isfinite(values)
    if odd.any():
        special[np.isnan(values)] = NAN
        special[values == np.inf] = POSITIVE
        special[values == -np.inf] = NEGATIVE
        values = np.where(odd, 0.0, values)
    fraction, exponent = np.frexp(values)
    return np.ldexp(fraction, 53).astype(np.int64), exponent.astype(np.int64) - 53, special


def _placed(parts: Sequence[tuple[Ints, Ints]], special: NDArray[np.uint8]) -> Sums:
    """Sums of whole numbers below 2^55 times powers of two, digits at their absolute positions."""
    rows = len(special)
    placed: list[tuple[Ints, Ints]] = []
    top = np.full(rows, NOTHING, dtype=np.int64)
    for whole, exponent in parts:
        position, shift = exponent >> 5, exponent & 31
        size, sign = np.abs(whole), np.sign(whole)
        low = (size & _LOW) << shift
        rest = ((size >> DIGIT_BITS) << shift) + (low >> DIGIT_BITS)
        for step, digit in enumerate((low & _LOW, rest & _LOW, rest >> DIGIT_BITS)):
            at = position + step
            np.maximum(top, np.where(digit != 0, at, NOTHING), out=top)
            placed.append((at, digit * sign))
    digits = np.zeros((rows, DIGITS), dtype=np.int64)
    for at, digit in placed:
        down = top - at
        chosen = np.flatnonzero((digit != 0) & (down < DIGITS))
        digits[chosen, down[chosen]] += digit[chosen]
    return Sums(top, digits, special)


def _doubled(sums: Sums) -> tuple[Floats, Floats, Ints]:
    """(high + low) * 2^scale, high being the rounded sum of the digits and low the rest."""
    digits = _carried(sums.digits)
    negative = digits[:, 0] < 0
    if negative.any():
        digits = np.where(negative[:, None], _carried(-digits), digits)
    high = np.zeros(len(sums))
    low = np.zeros(len(sums))
    first = digits[:, 0]
    for digit, bits in ((first >> DIGIT_BITS, 128), (first & _LOW, 96), (digits[:, 1], 64), (digits[:, 2], 32),
                        (digits[:, 3], 0)):  # fmt: skip
        high, error = _two_sum(high, np.ldexp(digit.astype(np.float64), bits))
        low += error
    high, low = _two_sum(high, low)
    sign = np.where(negative, -1.0, 1.0)
    scale = np.where(sums.top == NOTHING, 0, (sums.top - (DIGITS - 1)) * DIGIT_BITS)
    return high * sign, low * sign, scale


def _carried(digits: Ints) -> Ints:
    """The same numbers with every digit but the first in [0, 2^32)."""
    digits = digits.copy()
    for place in range(DIGITS - 1, 0, -1):
        over = digits[:, place] >> DIGIT_BITS
        digits[:, place] -= over << DIGIT_BITS
        digits[:, place - 1] += over
    return digits


def _scaled(values: Floats, scale: Ints) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(values, scale)


def _with_special(values: Floats, sums: Sums) -> Floats:
    if not sums.special.any():
        return values
    both = POSITIVE | NEGATIVE
    values = np.where(sums.special & POSITIVE, np.inf, np.where(sums.special & NEGATIVE, -np.inf, values))
    return np.where((sums.special & NAN != 0) | (sums.special & both == both), np.nan, values)


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a + b rounded, and what the rounding lost."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a * b rounded, and what the rounding lost, for numbers below 2^450."""
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _upper_half(a: Floats) -> Floats:
    wide = 134217729.0 * a
    return wide - (wide - a)
