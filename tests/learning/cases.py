"""Random legal learning rules and what they meet: spikes, starting values, modes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from hmn_lava.learning import Factor, LearningHistory, Product, Rule, simulate

TARGETS = ("dw", "dd", "dt")
LIMITS = {"mixed": (-256, 254), "excitatory": (0, 255), "inhibitory": (-255, 0)}


def random_factor(rng: random.Random, synaptic: bool = True) -> Factor:
    """A trace, a spike, a synaptic variable, or the sign of one, half of the time with a constant."""
    variable = rng.choice(["x1", "x2", "y1", "y2", "y3", "x0", "y0", *(["w", "d", "t"] * 2 if synaptic else [])])
    sign = variable in ("w", "d", "t") and rng.random() < 0.3
    constant = rng.choice((0, 0, 0, rng.randint(-5, 5), rng.randint(-128, 127)))
    return Factor(variable, 2 * constant if variable in ("w", "t") else constant, sign)


def random_product(rng: random.Random, decimation: int, synaptic: bool = True) -> Product:
    """A product with a coefficient in the parser's normal form."""
    dependency = rng.choice(("x0", "y0", "u"))
    factors = tuple(random_factor(rng, synaptic) for _ in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 3, 4, 6))))
    mantissa, exponent = rng.choice((rng.randint(-7, 7), 1, -1)), rng.randint(-7, 8)
    if rng.random() < 0.7:  # of a size that neither vanishes nor saturates at once
        bits = sum({"x0": 0, "y0": 0, "w": 7, "d": 7, "t": 7}.get(f.variable, 5) * (not f.sign) for f in factors)
        shift = max(0, sum({"x0": 1, "y0": 1, "w": 9, "d": 9, "t": 9}.get(f.variable, 7) for f in factors) + 4 - 15)
        exponent = min(8, max(-7, rng.randint(-3, 5) + shift - bits))
    if rng.random() < 0.03:
        mantissa, exponent = -8, 8
    return Product(dependency, decimation if dependency == "u" else None, mantissa, exponent, factors)


def random_rule(rng: random.Random, target: Any, decimation: int, synaptic: bool = True) -> Rule:
    return Rule(target, tuple(random_product(rng, decimation, synaptic) for _ in range(rng.choice((1, 1, 2, 2, 3, 5)))))


def random_case(seed: int, sparse: bool | None = None, steps: int = 48) -> dict[str, Any]:
    """One network of a plastic connection, all of it drawn from ``seed``.

    Lava's sparse model runs products of traces alone, and learns mixed weights only: it raises for anything else.
    """
    rng = random.Random(seed)
    draw = np.random.default_rng(seed)
    sparse = rng.random() < 0.2 if sparse is None else sparse
    factors = rng.choice((2, 2, 3))
    decimation = rng.choice((0, 0, 1, 2, 3, 9))
    targets = rng.sample(TARGETS, rng.randint(1, 3))
    sign_mode = rng.choice(("mixed", "mixed", "excitatory", "inhibitory"))
    if sparse and "dw" in targets:
        sign_mode = "mixed"
    rule: dict[str, Any] = {target: str(random_rule(rng, target, decimation, not sparse)) for target in targets}

    def impulse() -> float:
        return rng.choice((0.0, rng.randint(1, 127), round(rng.uniform(0, 127), 3), rng.uniform(0, 5)))

    def tau() -> float:
        return rng.choice((0, 1, rng.randint(2, 40), round(rng.uniform(0.3, 100), 2), 65535))

    for trace in ("x1", "x2") if factors == 3 else ("x1", "x2", "y1", "y2", "y3"):
        rule |= {f"{trace}_impulse": impulse(), f"{trace}_tau": tau()}
    rule |= {"t_epoch": rng.choice((1, 1, 2, 3, 4, 5, 6, 7, 8)), "rng_seed": rng.randrange(2**31)}

    graded = rng.choice((0, 0, 1, 2, 3))
    message_bits = rng.choice((0, 8, 24)) if graded else rng.choice((0, 0, 8))
    n_pre, n_post = rng.randint(1, 6), rng.randint(1, 6)
    low, high = LIMITS[sign_mode]
    stored = {f"stored_{name}": draw.random((n_post, n_pre)) < 0.6 for name in ("weights", "tag_1", "tag_2")}
    matrices = {
        "weights": draw.integers(low, high, (n_post, n_pre), endpoint=True),
        "tag_1": draw.integers(-256, 255, (n_post, n_pre), endpoint=True) // rng.choice((1, 16)),
        "tag_2": draw.integers(0, 255, (n_post, n_pre), endpoint=True) // rng.choice((1, 16)),
    }
    if sparse:
        for pattern in stored.values():
            pattern[0, 0] = True  # Lava raises for an empty matrix
        matrices = {name: np.where(stored[f"stored_{name}"], matrix, 0) for name, matrix in matrices.items()}
        # Lava cannot show stored zeros, nor weights that vanish when they are cut to even numbers.
        for name in ("tag_1", "tag_2"):
            matrices[name][stored[f"stored_{name}"] & (matrices[name] == 0)] = 1
        matrices["weights"][stored["stored_weights"] & (matrices["weights"] // 2 == 0)] = high or low
    rate = rng.choice((0.05, 0.3, 0.8))
    pre = (draw.random((steps, n_pre)) < rate) * draw.integers(
        rng.choice((1, 1, -300)), rng.choice((2, 40, 256, 1000)), (steps, n_pre)
    )
    lowest = rng.choice((0, -128, -300))
    return {
        "rule": rule,
        "factors": factors,
        "sparse": sparse,
        "sign_mode": sign_mode,
        "graded_spike_cfg": graded,
        "message_bits": message_bits,
        "pre": pre if message_bits else (pre != 0).astype(np.int64),
        "post": (draw.random((steps, n_post)) < rng.choice((0.05, 0.3, 0.8))).astype(np.int64),
        "y_traces": draw.integers(lowest, 300 if lowest == -300 else 128, (steps, 3, n_post)),
        **matrices,
        **stored,
    }


def simulated(case: dict[str, Any], **keywords: Any) -> LearningHistory:
    """The same case in the project's integers, with Lava's rounding unless said otherwise."""
    matrices = {name: case[name] for name in ("weights", "tag_1", "tag_2")}
    if case["sparse"]:
        matrices = {name: Entries(matrix, case[f"stored_{name}"]) for name, matrix in matrices.items()}
    return simulate(
        {"factors": case["factors"], **case["rule"]},
        case["pre"],
        case["post"],
        **matrices,
        sign_mode=case["sign_mode"],
        graded_spike_cfg=case["graded_spike_cfg"],
        y_traces=case["y_traces"] if case["factors"] == 3 else None,
        **{"rounding": "lava", **keywords},
    )


class Entries:
    """A sparse matrix as far as ``simulate`` looks at one, so that no test needs scipy."""

    def __init__(self, matrix: np.ndarray, stored: np.ndarray) -> None:
        self.matrix = matrix
        self.row, self.col = np.nonzero(stored)

    def tocoo(self) -> Entries:
        return self

    def toarray(self) -> np.ndarray:
        return self.matrix
