"""Convolutions and pools become the synapses that their equation says."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import resolve, spec_from_dict


def network(record: dict[str, Any], n_pre: int, n_post: int) -> dict[str, Any]:
    populations = {"x": {"type": "input", "size": n_pre}, "y": {"type": "lif", "size": n_post}}
    return {
        "hmn_lava": 1,
        "name": "window",
        "populations": populations,
        "connections": {"c": {"source": "x", "target": "y", **record}},
    }


def by_loops(
    shape: tuple[int, ...],
    w: np.ndarray,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The matrix of a convolution, element by element."""
    sides = range(len(shape) - 1)
    out = tuple(
        (shape[1 + s] + 2 * padding[s] - dilation[s] * (w.shape[2 + s] - 1) - 1) // stride[s] + 1 for s in sides
    )
    matrix = np.zeros((w.shape[0], *out, *shape))
    for o, i in product(range(w.shape[0]), range(w.shape[1])):
        channel = o // (w.shape[0] // groups) * w.shape[1] + i
        for place in product(*map(range, out)):
            for tap in product(*map(range, w.shape[2:])):
                at = tuple(stride[s] * place[s] + dilation[s] * tap[s] - padding[s] for s in sides)
                if all(0 <= at[s] < shape[1 + s] for s in sides):
                    matrix[(o, *place, channel, *at)] = w[(o, i, *tap)]
    return matrix.reshape(w.shape[0] * int(np.prod(out)), -1), (w.shape[0], *out)


CASES = [
    ((2, 5, 4), (3, 2, 3, 2), (1, 1), (0, 0), (1, 1), 1),
    ((2, 5, 4), (4, 1, 2, 2), (2, 1), (1, 0), (1, 2), 2),
    ((3, 7, 6), (3, 1, 3, 3), (2, 2), (1, 1), (2, 1), 3),
    ((1, 4, 4), (1, 1, 1, 1), (3, 2), (2, 1), (1, 1), 1),
    ((4, 9), (6, 2, 3), (2,), (1,), (2,), 2),
]


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "groups"), CASES)
def test_a_convolution_is_its_equation(
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    w = np.random.default_rng(0).uniform(0.1, 1.0, kernel)
    expected, out = by_loops(shape, w, stride, padding, dilation, groups)
    record = {"type": "conv", "weights": w, "input_shape": list(shape), "groups": groups}
    record |= {"stride": list(stride), "padding": list(padding), "dilation": list(dilation)}
    record["delay"] = list(range(out[0]))
    c = resolve(spec_from_dict(network(record, int(np.prod(shape)), int(np.prod(out))))).connections["c"]
    matrix = np.zeros(expected.shape)
    matrix[c.row, c.col] = c.weights
    assert np.array_equal(matrix, expected)
    flat = c.row * c.n_pre + c.col.astype(np.int64)
    assert (np.diff(flat) > 0).all()  # sorted by post, then by pre, each once
    assert np.array_equal(c.delay, c.row // (c.n_post // out[0]))


def test_a_pool_sums_each_channel() -> None:
    record = {"type": "pool", "input_shape": [2, 4, 6], "kernel": [2, 3], "weight": 0.25}
    c = resolve(spec_from_dict(network(record, 48, 8))).connections["c"]
    x = np.random.default_rng(0).random(48)
    sums = np.bincount(c.row, weights=c.weights * x[c.col])
    assert np.allclose(sums, 0.25 * x.reshape(2, 2, 2, 2, 3).sum(axis=(2, 4)).reshape(-1))


def test_one_to_one() -> None:
    record = {"type": "static", "topology": "one_to_one", "weights": [0.1, 0.2, 0.3], "delay": 2}
    c = resolve(spec_from_dict(network(record, 3, 3))).connections["c"]
    assert np.array_equal(c.row, [0, 1, 2]) and np.array_equal(c.col, [0, 1, 2])
    assert np.array_equal(c.weights, [0.1, 0.2, 0.3]) and (np.asarray(c.delay) == 2).all()


KERNEL = np.ones((2, 1, 2, 2))
GOOD = {"type": "conv", "weights": KERNEL, "input_shape": [1, 3, 3]}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"input_shape": [1, 3, 4]}, "input_shape", "12 places, the source has 9"),
        ({"input_shape": [9]}, "input_shape", "too few"),
        ({"stride": 0}, "stride.0", "must be >= 1"),
        ({"stride": [1, 1, 1]}, "stride", "too many"),
        ({"padding": -1}, "padding.0", "must be >= 0"),
        ({"groups": 2}, "groups", "does not divide"),
        ({"weights": np.ones((2, 1, 2))}, "weights", "needs 4 axes"),
        ({"weights": 0.5}, "weights", "is no kernel"),
        ({"weights": np.ones((2, 2, 2, 2))}, "weights", "2 input channels"),
        ({"weights": np.ones((2, 1, 4, 4))}, "weights", "larger than the padded input"),
        ({"weights": np.ones((0, 1, 2, 2))}, "weights", "is empty"),
        ({"weights": np.ones((3, 1, 2, 2))}, "target", "makes an output of (3, 2, 2)"),
        ({"delay": [1, 2, 3]}, "delay", "one per output channel"),
        ({"delay": 64}, "delay", "0..63"),
        ({"component": "imaginary"}, "component", "is of a resonator alone"),
        ({"topology": "dense"}, "topology", "unknown key"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(spec_from_dict(network({**GOOD, **change}, 9, 8)))
    assert caught.value.field == f"connections.c.{field}" and words in str(caught.value) and caught.value.remedy


def test_windows_that_all_lie_in_the_padding_are_refused() -> None:
    record = {"type": "pool", "input_shape": [3, 1], "kernel": 1, "stride": 2, "padding": 1}
    with pytest.raises(InputError, match="no synapse at all"):
        resolve(spec_from_dict(network(record, 3, 6)))


def test_huge_windows_are_refused_before_they_are_made() -> None:
    record = {"type": "pool", "input_shape": [1, 4096, 4096], "kernel": 201, "stride": 1, "padding": 100}
    with pytest.raises(InputError, match="synapses, limit"):
        resolve(spec_from_dict(network(record, 4096**2, 4096**2)))
    record = {"type": "conv", "input_shape": [64, 512, 512], "weights": np.ones((64, 64, 3, 3)), "padding": 1}
    with pytest.raises(InputError, match="synapses, limit"):
        resolve(spec_from_dict(network(record, 2**24, 2**24)))
