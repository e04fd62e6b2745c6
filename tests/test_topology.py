"""Topologies against lists of synapses that are made another way, and what arrays of synapses take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import hmn_lava.topology
from hmn_lava.fixed import Fixed
from hmn_lava.topology import Topology, alike, blocks, compact, largest, narrow, stored

masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).random((seed % 9 + 1, seed % 7 + 1)) < (seed % 11) / 10
)


def of(mask: NDArray[np.bool_]) -> Topology:
    return Topology.of(*mask.shape, *np.nonzero(mask))


@given(masks, st.integers(1, 20))
def test_a_topology_is_its_list_of_synapses(mask: NDArray[np.bool_], block: int) -> None:
    topology = of(mask)
    pairs = [(j, i) for j in range(mask.shape[0]) for i in range(mask.shape[1]) if mask[j, i]]
    assert [*zip(topology.row.tolist(), topology.col.tolist(), strict=True)] == pairs
    assert topology.size == len(pairs) and not topology.dense
    assert topology.counts.tolist() == mask.sum(axis=1).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmn_lava.topology, "BLOCK", block)
        found = [*topology.blocks()]
        values = np.random.default_rng(block).random(topology.size)
        sums = topology.row_sums(lambda part: values[part])
    rows = [j for rows, _ in found for j in range(rows.start, rows.stop)]
    assert rows == [*range(mask.shape[0])]
    for here, synapses in found:
        assert (topology.row[synapses] == here.start + topology.rows_of(here)).all()
        assert here.stop - here.start == 1 or synapses.stop - synapses.start <= block
    one_after_another = np.zeros(mask.shape[0])
    np.add.at(one_after_another, topology.row, values)
    assert sums.tolist() == one_after_another.tolist()  # to the last bit


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 1), (1, 4)])
def test_all_pairs_are_a_mask_of_ones(shape: tuple[int, int]) -> None:
    full, listed = Topology.full(*shape), of(np.ones(shape, bool))
    assert full.dense and not listed.dense
    for name in ("row", "col", "starts", "counts"):
        assert np.array_equal(getattr(full, name), getattr(listed, name)), name


def test_all_pairs_take_no_memory_for_a_synapse() -> None:
    full = Topology.full(1 << 17, 1 << 17)
    assert full.size == 1 << 34
    assert sum(v.nbytes for v in vars(full).values() if isinstance(v, np.ndarray)) == 8 * ((1 << 17) + 1)


def test_sparse_synapses_take_four_bytes() -> None:
    topology = of(np.random.default_rng(0).random((300, 200)) < 0.1)
    held = sum(v.nbytes for v in vars(topology).values() if isinstance(v, np.ndarray))
    assert held == 4 * topology.size + 8 * 301


@pytest.mark.parametrize("array", ["row", "col", "starts"])
def test_nobody_writes_to_a_topology(array: str) -> None:
    for topology in (Topology.full(2, 3), of(np.ones((2, 3), bool))):
        with pytest.raises(ValueError, match="read-only"):
            getattr(topology, array)[0] = 1


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (-128, 127, np.int8),
        (-129, 0, np.int16),
        (0, 128, np.int16),
        (-32768, 32767, np.int16),
        (0, 32768, np.int32),
        (-(2**31), 2**31 - 1, np.int32),
        (0, 2**31, np.int64),
    ],
)
def test_the_narrowest_type(low: int, high: int, dtype: type) -> None:
    wide = np.array([low, 0, high])
    assert narrow(wide).dtype == dtype and narrow(wide).tolist() == [low, 0, high]
    assert narrow(narrow(wide)) is narrow(wide) or narrow(narrow(wide)).dtype == dtype
    assert stored(lambda part: part.astype(np.int64), wide.astype(np.float64)).dtype == dtype


@given(st.lists(st.floats(-3, 3), max_size=30), st.integers(2, 24), st.integers(1, 7))
def test_stored_in_parts_is_stored_at_once(values: list[float], bits: int, block: int) -> None:
    format = Fixed.fitting(-2.0, 2.0, bits)
    array = np.array(values, np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmn_lava.topology, "BLOCK", block)
        found = stored(format.quantise, array)
        assert [k for part in blocks(array.size) for k in range(part.start, part.stop)] == [*range(array.size)]
    assert found.tolist() == format.quantise(array).tolist()
    assert found.dtype == narrow(format.quantise(array)).dtype


def test_one_value_for_all() -> None:
    many = alike(np.int8(3), 1 << 40)
    assert many.shape == (1 << 40,) and compact(many).tolist() == [3]
    assert compact(np.array([5, 5, 5])).tolist() == [5] and compact(np.array([5, 6])).tolist() == [5, 6]
    assert compact(np.zeros(0)).size == 0


def test_the_largest_magnitude() -> None:
    assert largest(np.array([-128, 127], np.int8)) == 128 and largest(np.array([1.0, -0.5])) == 1
    assert largest(np.zeros(0)) == 0 and math.isnan(largest(np.array([1.0, math.nan])))
