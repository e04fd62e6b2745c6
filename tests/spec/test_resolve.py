"""The resolved model: flat synapses in CSR order, shapes, and what each short form stands for."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.spec import Connection, Network, Spec, load_spec, resolve, spec_from_dict
from hmn_lava.spec.order import topological_order
from hmn_lava.spec.topology import bernoulli_cells


def connection(small: dict[str, Any], folder: Path | None = None, **fields: Any) -> Connection:
    """The plastic connection (2 post, 3 pre) with changed fields."""
    small["connections"]["hy"].update(fields)
    return resolve(spec_from_dict(small, folder)).connections["hy"]


def test_the_example(example_file: Path) -> None:
    model = resolve(load_spec(example_file), seed=3)
    assert model.name == "digits" and model.seed == 3 and model.formats["readout.w"] == 16
    assert model.order.index("pixels") < model.order.index("hidden") < model.order.index("out")
    pixels, hidden, out = (model.populations[name] for name in ("pixels", "hidden", "out"))
    assert (pixels.type, pixels.low, pixels.high, pixels.activation) == ("input", 0.0, 1.0, None)
    assert (hidden.signal, hidden.activation, hidden.bias.shape) == ("spike", "lif", (100,))
    assert hidden.lif is not None and (hidden.lif.du, hidden.lif.dv, hidden.lif.vth) == (0.1, 0.1, 1.0)
    assert (out.competition, out.temperature, out.low, out.high) == ("sample", 0.1, 0.0, 1.0)
    assert model.populations["rate"].z_max == model.populations["rate"].high == 4.0
    assert model.populations["spiking"].signal == "spike"
    readout = model.connections["readout"]
    assert (readout.pre, readout.post, readout.n_pre, readout.n_post, readout.n_syn) == ("hidden", "out", 100, 10, 1000)
    rule = readout.rule
    assert rule is not None and (rule.eta_local, rule.eta_global, rule.w_min, rule.w_max) == (0.0, 0.05, -1.0, 1.0)
    assert rule.attention is not None and rule.attention.embedding.shape == (100, 1)
    assert rule.attention.key.shape == (10, 1) and rule.attention.rate == 0.1
    assert rule.phase is not None and rule.phase.uniform and rule.phase.phi.shape == (1000,)
    assert rule.gate is not None and (rule.gate.beta, rule.gate.threshold) == (50.0, 0.01)
    assert model.connections["features"].rule is None
    sparse = model.connections["sparse"].rule
    assert sparse is not None and sparse.tau_slow is None and sparse.modulators == ("teacher", "rpe", "doubt", "new")
    assert sparse.attention is sparse.phase is sparse.gate is None
    assert model.modulators["rpe"].on == "delivery" and model.modulators["teacher"].on == "every_step"
    assert (model.modulators["doubt"].mean_rate, model.modulators["new"].mean_rate) == (0.0, 0.05)
    assert all(modulator.key.tolist() == [1.0] for modulator in model.modulators.values())
    attention = model.global_attention
    assert attention is not None and not attention.from_input and attention.key.tolist() == [[1.0]] * 10
    assert model.oscillators["theta"].period == 16.0 and model.meta_learning is not None


def test_a_dense_connection_is_the_row_major_list(small: dict[str, Any]) -> None:
    found = connection(small, weights=[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], delay=[[0, 1, 2], [3, 4, 62]])
    assert found.dense
    assert found.row.tolist() == [0, 0, 0, 1, 1, 1] and found.col.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.weights.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] and found.delay.tolist() == [0, 1, 2, 3, 4, 62]
    assert (found.weights.dtype, found.delay.dtype, found.row.dtype) == (np.float64, np.int64, np.int64)


def test_a_mask_picks_from_full_arrays(small: dict[str, Any]) -> None:
    found = connection(small, topology=[[0, 1, 0], [1, 0, 1]], weights=[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], delay=5)
    assert not found.dense
    assert found.row.tolist() == [0, 1, 1] and found.col.tolist() == [1, 0, 2]
    assert found.weights.tolist() == [0.2, 0.4, 0.6] and found.delay.tolist() == [5, 5, 5]


def test_a_list_is_sorted_and_its_values_follow(small: dict[str, Any]) -> None:
    topology = [[1, 0, 1, 0], [2, 1, 0, 0]]
    found = connection(small, topology=topology, weights=[0.4, 0.3, 0.2, 0.1], delay=[4, 3, 2, 1])
    assert list(zip(found.row, found.col, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 2)]
    assert found.weights.tolist() == [0.1, 0.3, 0.2, 0.4] and found.delay.tolist() == [1, 3, 2, 4]


def test_a_topology_may_come_from_a_file(small: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", mask=np.array([[True, False, True]] * 2), cells=np.array([[1], [2]], np.uint8))
    assert connection(small, tmp_path, topology={"npz": "t.npz", "key": "mask"}).col.tolist() == [0, 2, 0, 2]
    one = connection(small, tmp_path, topology={"npz": "t.npz", "key": "cells"})
    assert (one.row.tolist(), one.col.tolist()) == ([1], [2])


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.01, 1.0), st.integers(0, 5))
def test_random_topologies_are_sorted_and_unique(n_post: int, n_pre: int, density: float, seed: int) -> None:
    cells = np.concatenate([*bernoulli_cells(n_post * n_pre, density, np.random.default_rng(seed))])
    assert (np.diff(cells) > 0).all()
    assert cells.size == 0 or (cells[0] >= 0 and cells[-1] < n_post * n_pre)
    if density == 1.0:
        assert cells.size == n_post * n_pre


@pytest.mark.parametrize("density", [0.001, 0.01, 0.3, 0.9])
def test_the_density_is_met_and_no_place_is_preferred(density: float) -> None:
    count = 1_000_000
    cells = np.concatenate([*bernoulli_cells(count, density, np.random.default_rng(1))])
    deviation = np.sqrt(count * density * (1 - density))
    assert abs(cells.size - count * density) < 5 * deviation
    first_half = np.count_nonzero(cells < count // 2)
    assert abs(first_half - cells.size / 2) < 5 * deviation


def test_each_cell_is_drawn_with_the_same_probability() -> None:
    draws = [cells for seed in range(4000) for cells in bernoulli_cells(5, 0.4, np.random.default_rng(seed))]
    shares = np.bincount(np.concatenate(draws), minlength=5) / 4000
    assert np.abs(shares - 0.4).max() < 5 * np.sqrt(0.24 / 4000)


def test_the_phase_broadcasts(small: dict[str, Any]) -> None:
    small["oscillators"] = {"theta": {"period": 8}}

    def phi(phase: Any, **fields: Any) -> tuple[list[float], bool]:
        rule = connection(small, phase_gate={"oscillator": "theta", "phase": phase}, **fields).rule
        assert rule is not None and rule.phase is not None
        return rule.phase.phi.tolist(), rule.phase.uniform

    assert phi(0.5) == ([0.5] * 6, True)
    assert phi([1, 2, 3]) == ([1, 2, 3, 1, 2, 3], False)
    assert phi([[1], [2]]) == ([1, 1, 1, 2, 2, 2], False)
    assert phi([[1, 2, 3], [4, 5, 6]], topology=[[0, 1, 0], [1, 0, 1]]) == ([2, 4, 6], False)
    assert phi([[1], [2]]) == ([1, 2, 2], False)
    assert phi([7, 7, 7]) == ([7, 7, 7], True)
    with pytest.raises(InputError, match=r"phase_gate\.phase: has shape \(5,\)"):
        phi([1, 2, 3, 4, 5])


def test_embeddings_and_keys(small: dict[str, Any]) -> None:
    def attention(**fields: Any) -> tuple[Any, Any]:
        rule = connection(small, attention=fields).rule
        assert rule is not None and rule.attention is not None
        return rule.attention.embedding.tolist(), rule.attention.key.tolist()

    assert attention(embedding=[1, 2, 3], key=2) == ([[1], [2], [3]], [[2], [2]])
    assert attention(dimensions=2, embedding=[5, 6], key=[[1, 2], [3, 4]]) == ([[5, 6]] * 3, [[1, 2], [3, 4]])
    embedding, key = attention(dimensions=2, embedding={"init": "identity"}, key={"init": "normal"})
    assert embedding == [[1, 0], [0, 1], [0, 0]] and np.array(key).shape == (2, 2)


def test_global_attention_from_an_input(small: dict[str, Any]) -> None:
    small["global_attention"] = {"context": "x", "dimensions": 4}
    small["modulators"]["m"]["key"] = [1, 0, 0, 0]
    found = resolve(spec_from_dict(small))
    assert found.global_attention is not None
    assert found.global_attention.from_input and found.global_attention.key.shape == (0, 4)
    assert found.modulators["m"].key.tolist() == [1, 0, 0, 0]


def test_weights_inside_bounds_by_clipping_what_is_drawn(small: dict[str, Any]) -> None:
    weights = connection(small, weights={"init": "normal", "std": 5.0}, bounds=[-0.5, 0.25]).weights
    assert weights.min() >= -0.5 and weights.max() <= 0.25 and {-0.5, 0.25} & set(weights)


def test_arrays_cannot_be_written_to(small: dict[str, Any]) -> None:
    model = resolve(spec_from_dict(small))
    found = model.connections["hy"]
    for array in (found.weights, found.delay, found.row, found.col, model.populations["h"].bias):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_same_seed_same_arrays_another_seed_others(example_file: Path) -> None:
    spec = load_spec(example_file)
    first, again, other = (resolve(spec, seed).connections["sparse"] for seed in (1, 1, 2))
    for name in ("row", "col", "weights", "delay"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.weights[:50], other.weights[:50])


def test_a_seed_of_its_own_wins(small: dict[str, Any]) -> None:
    small["connections"]["hy"]["weights"] = {"init": "normal", "std": 0.1, "seed": 7}
    first, other = (resolve(spec_from_dict(small), seed).connections["hy"].weights for seed in (1, 2))
    assert np.array_equal(first, other)


def test_no_field_changes_the_draw_of_another(small: dict[str, Any]) -> None:
    small["connections"]["hy"].update(weights={"init": "normal", "std": 0.1}, topology={"density": 0.9})
    before = resolve(spec_from_dict(small)).connections["hy"]
    small["connections"]["xh"]["weights"] = {"init": "uniform", "low": 0, "high": 1}
    small["connections"]["new"] = {"type": "static", "source": "x", "target": "y", "weights": {"init": "normal"}}
    small["connections"]["hy"]["delay"] = {"init": "uniform", "low": 0, "high": 9}
    small["populations"]["y"]["bias"] = {"init": "normal"}
    after = resolve(spec_from_dict(small)).connections["hy"]
    assert np.array_equal(before.weights, after.weights) and np.array_equal(before.col, after.col)
    assert after.delay.max() > 0


def test_order_is_topological(small: dict[str, Any]) -> None:
    links = [("a", "c", "1"), ("b", "a", "2"), ("d", "c", "3"), ("c", "e", "4")]
    order = topological_order("abcde", links)
    assert sorted(order) == list("abcde")
    assert all(order.index(pre) < order.index(post) for pre, post, _ in links)


def test_the_loop_is_named_and_not_what_leads_to_it() -> None:
    links = [("in", "a", "0"), ("a", "b", "1"), ("b", "c", "2"), ("c", "a", "3"), ("c", "tail", "4")]
    with pytest.raises(InputError) as caught:
        topological_order(["tail", "in", "a", "b", "c"], links)
    text = str(caught.value)
    assert "c -> a -> b -> c" in text and "(connections 3, 1, 2)" in text and "tail" not in text


def test_ten_million_synapses_take_seconds() -> None:
    net = Network("big")
    net.input("a", 100_000)
    net.hmn("b", 100_000, activation="sigmoid")
    net.connect(
        "a", "b", name="ab", weights={"init": "normal", "std": 0.1}, rates={"local": 0.1}, topology={"density": 1e-3}
    )
    spec: Spec = net.spec()
    start = time.perf_counter()
    found = resolve(spec).connections["ab"]
    assert time.perf_counter() - start < 20  # about 1.5 s; a loop over synapses takes minutes
    assert abs(found.n_syn - 10_000_000) < 5 * 10_000_000**0.5
    flat = found.row * found.n_pre + found.col
    assert (np.diff(flat) > 0).all()
