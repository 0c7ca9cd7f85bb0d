"""Arithmetic that gives the same bits on every processor and with every version of every library.

NumPy, BLAS and the C library choose among vector kernels by processor, and their exponentials, logarithms, sines and
matrix products differ in the last bit. Here they are built from single additions, multiplications and divisions, which
IEEE 754 defines exactly, in a stated order.
Source of the approximations: Sun Microsystems, FDLIBM 5.3 (e_exp.c, e_log.c, k_sin.c, k_cos.c); errors below 1 ulp.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_platform.compilation import compiled, inline

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1.44269504088896338700
_EXP_MAX, _EXP_MIN = 7.09782712893383973096e02, -7.45133219101941108420e02
_P1, _P2, _P3 = 1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05
_P4, _P5 = -1.65339022054652515390e-06, 4.13813679705723846039e-08
_L1, _L2, _L3, _L4 = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
)
_L5, _L6, _L7 = 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01
_S1, _S2, _S3 = -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04
_S4, _S5, _S6 = 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10
_C1, _C2, _C3 = 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05
_C4, _C5, _C6 = -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11
_HALF_PI = 1.57079632679489661923
_SQRT_HALF = 7.07106781186547524401e-01
_MANTISSA = 0x000FFFFFFFFFFFFF
_HALF_EXPONENT = 0x3FE0000000000000
_SMALLEST_NORMAL = 2.2250738585072014e-308
_TWO_54 = 18014398509481984.0


@inline
def _power_of_two(k: int) -> float:
    """2**k for k in [-1022, 1023]."""
    return np.int64((k + 1023) << 52).view(np.float64)


@inline
def exp(x: float) -> float:
    """e**x; 0 and inf where it leaves the range of float64."""
    if not x <= _EXP_MAX:
        return x * np.inf if x > 0.0 else x
    if x < _EXP_MIN:
        return 0.0
    k = int(np.floor(x * _PER_LN2 + 0.5))
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    # In two steps, because 2**k alone may leave the range where the product does not.
    half = k >> 1
    return y * _power_of_two(half) * _power_of_two(k - half)


@inline
def log(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    if not x > 0.0:
        return -np.inf if x == 0.0 else np.nan
    if x == np.inf:
        return x
    k = 0
    if x < _SMALLEST_NORMAL:
        x *= _TWO_54
        k = -54
    bits = np.float64(x).view(np.int64)
    k += int(bits >> 52) - 1022
    m = np.int64((bits & _MANTISSA) | _HALF_EXPONENT).view(np.float64)
    if m < _SQRT_HALF:
        m *= 2.0
        k -= 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = z * (_L1 + w * (_L3 + w * (_L5 + w * _L7))) + w * (_L2 + w * (_L4 + w * _L6))
    square = 0.5 * f * f
    return float(k * _LN2_HIGH - ((square - (s * (square + r) + k * _LN2_LOW)) - f))


@inline
def _sin_kernel(x: float) -> float:
    z = x * x
    return x + z * x * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6)))))


@inline
def _cos_kernel(x: float) -> float:
    z = x * x
    return 1.0 - (0.5 * z - z * z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6))))))


@inline
def cos_of_turns(turns: float) -> float:
    """Cosine of an angle in whole turns, in [0, 1]: `cos_of_turns(0.25)` is 0."""
    quarters = turns * 4.0
    nearest = np.floor(quarters + 0.5)
    x = (quarters - nearest) * _HALF_PI
    quadrant = int(nearest) & 3
    if quadrant == 0:
        return _cos_kernel(x)
    if quadrant == 1:
        return -_sin_kernel(x)
    if quadrant == 2:
        return -_cos_kernel(x)
    return _sin_kernel(x)


@compiled
def _exp_each(x: Floats, out: Floats) -> None:
    for i in range(len(x)):
        out[i] = exp(x[i])


@compiled
def _log_each(x: Floats, out: Floats) -> None:
    for i in range(len(x)):
        out[i] = log(x[i])


@compiled
def _log1p_each(x: Floats, out: Floats) -> None:
    """Kahan's correction: the error of 1 + x cancels."""
    for i in range(len(x)):
        u = 1.0 + x[i]
        out[i] = x[i] if u == 1.0 or u == np.inf else log(u) * (x[i] / (u - 1.0))


@compiled
def _expm1_each(x: Floats, out: Floats) -> None:
    """Kahan's correction, as for log1p."""
    for i in range(len(x)):
        u = exp(x[i])
        if u == 1.0:
            out[i] = x[i]
        elif u - 1.0 == -1.0 or u == np.inf:
            out[i] = u - 1.0
        else:
            out[i] = (u - 1.0) * (x[i] / log(u))


@compiled
def _cos_each(turns: Floats, out: Floats) -> None:
    for i in range(len(turns)):
        out[i] = cos_of_turns(turns[i])


def exp_of(x: ArrayLike) -> Floats:
    """e**x of each."""
    flat, out = _flat(x)
    _exp_each(flat.ravel(), out)
    return out.reshape(flat.shape)


def log_of(x: ArrayLike) -> Floats:
    """Natural logarithm of each."""
    flat, out = _flat(x)
    _log_each(flat.ravel(), out)
    return out.reshape(flat.shape)


def log1p_of(x: ArrayLike) -> Floats:
    """log(1 + x) of each, exact to a few ulp near 0 too."""
    flat, out = _flat(x)
    _log1p_each(flat.ravel(), out)
    return out.reshape(flat.shape)


def expm1_of(x: ArrayLike) -> Floats:
    """e**x - 1 of each, exact to a few ulp near 0 too."""
    flat, out = _flat(x)
    _expm1_each(flat.ravel(), out)
    return out.reshape(flat.shape)


def circle_of(turns: ArrayLike) -> Floats:
    """Points on the unit circle after so many turns in [0, 1]: columns sin, cos."""
    flat, cos = _flat(turns)
    sin = np.empty_like(cos)
    around = flat.ravel()
    _cos_each(around, cos)
    # sin of a turn is cos three quarters of a turn further on.
    _cos_each(np.where(around < 0.25, around + 0.75, around - 0.25), sin)
    return np.stack([sin, cos], axis=-1).reshape(*flat.shape, 2)


def affine(x: Floats32, weight: Floats32, bias: Floats32, *, rectified: bool) -> Floats32:
    """x @ weight + bias in float32, each sum in the order of its inputs; negative results are 0 where rectified."""
    out = np.empty((x.shape[0], weight.shape[1]), dtype=np.float32)
    _affine(np.ascontiguousarray(x), np.ascontiguousarray(weight), bias, rectified, out)
    return out


@compiled
def _affine(x: Floats32, weight: Floats32, bias: Floats32, rectified: bool, out: Floats32) -> None:
    rows, inputs, outputs = x.shape[0], x.shape[1], weight.shape[1]
    whole = inputs - inputs % 4
    for i in range(rows):
        for j in range(outputs):
            out[i, j] = np.float32(0.0)
        # Four inputs at a time save three of four trips to memory; the sum still grows in their order.
        for k in range(0, whole, 4):
            a, b, c, d = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            for j in range(outputs):
                total = out[i, j] + a * weight[k, j]
                total += b * weight[k + 1, j]
                total += c * weight[k + 2, j]
                out[i, j] = total + d * weight[k + 3, j]
        for k in range(whole, inputs):
            for j in range(outputs):
                out[i, j] += x[i, k] * weight[k, j]
        for j in range(outputs):
            total = out[i, j] + bias[j]
            out[i, j] = np.float32(0.0) if rectified and total < 0.0 else total


def warm_up() -> None:
    """Compile everything here, or load what was compiled before."""
    nothing = np.zeros(0)
    for function in (exp_of, log_of, log1p_of, expm1_of, circle_of):
        function(nothing)
    none = np.zeros((0, 1), dtype=np.float32)
    affine(none, np.zeros((1, 1), np.float32), np.zeros(1, np.float32), rectified=False)


def _flat(x: ArrayLike) -> tuple[Floats, Floats]:
    flat = np.ascontiguousarray(x, dtype=np.float64).reshape(np.shape(x))
    return flat, np.empty(flat.size)
