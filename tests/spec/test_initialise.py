"""The named initialisers have the distributions that their names promise."""

import hashlib
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from hmn_lava.errors import InputError
from hmn_lava.spec.arrays import Init
from hmn_lava.spec.initialise import fill, fill_whole, generator
from hmn_lava.topology import Topology


def init(**fields: Any) -> Any:
    return TypeAdapter(Init).validate_python(fields)


def test_the_stream_is_the_hash_of_seed_and_field() -> None:
    number = int.from_bytes(hashlib.sha256(b"3:connections.readout.weights").digest(), "little")
    expected = np.random.Generator(np.random.PCG64(number)).normal(size=4)
    assert np.array_equal(generator(3, "connections.readout.weights").normal(size=4), expected)


def test_constant_and_identity() -> None:
    assert (fill(init(init="constant", value=3), 0, "f", (2, 2)) == 3).all()
    assert fill(init(init="identity", gain=2), 0, "f", (2, 3)).tolist() == [[2, 0, 0], [0, 2, 0]]
    cells = Topology.of(2, 2, np.array([0, 1, 1]), np.array([1, 0, 1]))
    assert fill(init(init="identity"), 0, "f", (2, 2), cells).tolist() == [0, 0, 1]


def test_uniform_normal_kaiming() -> None:
    uniform = fill(init(init="uniform", low=-1, high=3), 0, "f", (200, 500))
    assert uniform.min() >= -1 and uniform.max() < 3 and abs(uniform.mean() - 1) < 0.02
    assert abs(uniform.std() - 4 / 12**0.5) < 0.02
    normal = fill(init(init="normal", mean=1, std=0.5), 0, "f", (200, 500))
    assert abs(normal.mean() - 1) < 0.01 and abs(normal.std() - 0.5) < 0.01
    kaiming = fill(init(init="kaiming"), 0, "f", (200, 500))
    assert abs(kaiming.std() - (2 / 500) ** 0.5) < 0.001
    rows, cols = np.divmod(np.arange(0, 100_000, 5), 500)  # 100 synapses per neuron
    sparse = fill(init(init="kaiming", gain=1), 0, "f", (200, 500), Topology.of(200, 500, rows, cols))
    assert abs(sparse.std() - 0.1) < 0.003


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 4)])
def test_orthogonal(shape: tuple[int, int]) -> None:
    matrix = fill(init(init="orthogonal", gain=2), 0, "f", shape)
    gram = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
    assert matrix.shape == shape and np.allclose(gram, 4 * np.eye(min(shape)))


def test_orthogonal_is_refused_where_it_has_no_meaning_or_takes_hours() -> None:
    with pytest.raises(InputError, match=r"f: orthogonal needs a dense topology[\s\S]*topology: dense"):
        fill(init(init="orthogonal"), 0, "f", (2, 2), Topology.of(2, 2, np.array([0]), np.array([0])))
    with pytest.raises(InputError, match=r"f: orthogonal is limited to[\s\S]*use normal or kaiming"):
        fill(init(init="orthogonal"), 0, "f", (2**14, 2**14))


def test_whole_numbers_include_both_ends() -> None:
    drawn = fill_whole(init(init="uniform", low=2, high=4), 0, "f", 3000)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [2, 3, 4] and counts.min() > 850
    assert fill_whole(init(init="constant", value=6), 0, "f", 2).tolist() == [6, 6]
