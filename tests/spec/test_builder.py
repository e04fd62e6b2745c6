"""The Python builder makes the same records as YAML, and says at once what is wrong."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hmn_lava.spec.builder
from hmn_lava.errors import InputError
from hmn_lava.spec import Network, load_spec, resolve


def test_the_builder_says_what_the_yaml_says(example_file: Path) -> None:
    net = Network("digits", "all that a spec can say")
    pixels = net.input("pixels", 64, signal="graded", range=(0, 1))
    teach = net.input("teach", 1, range=(-1, 1))
    reward = net.input("reward", 1, range=[-1, 1])
    hidden = net.lif("hidden", 100, du=0.1, dv=0.1, vth=1.0)
    out = net.hmn("out", 10, activation="sigmoid", competition={"type": "sample", "temperature": 0.1})
    lif = {"du": 1.0, "dv": 0.1, "vth": 1.0}
    spiking = net.hmn("spiking", 3, activation="lif", lif=lif, competition="winner_take_all")
    net.hmn("rate", 3, activation="relu", z_max=4.0)
    teacher = net.modulator("teacher", type="input", source=teach, key=[1.0])
    net.modulator("rpe", type="reward", source=reward, on="delivery")
    net.modulator("doubt", type="uncertainty", source=out, weight=0.1)
    net.modulator("new", type="novelty", source=pixels, mean_rate=0.05, weight=0.1)
    theta = net.oscillator("theta", period=16)
    net.connect_static(pixels, hidden, name="features", weights={"init": "normal", "std": 0.2})
    net.connect(
        hidden,
        out,
        name="readout",
        weights={"init": "uniform", "low": -0.1, "high": 0.1},
        traces={"tau_fast": 5, "tau_slow": 50},
        rates={"global": 0.05},
        modulators=[teacher],
        attention={},
        phase_gate={"oscillator": theta},
        probabilistic_gate={"beta": 50, "threshold": 0.01},
    )
    net.connect(
        hidden,
        spiking,
        name="sparse",
        weights={"init": "kaiming", "gain": 0.5},
        delay={"init": "uniform", "low": 0, "high": 5},
        topology={"density": 0.25},
        traces={"tau_fast": 5, "tau_slow": None, "mode": "accumulating"},
        rates={"local": 0.01},
    )
    net.global_attention(context=out)
    net.meta_learning(bounds={"eta_local": (0, 1)})
    net.format("readout.w", 16)
    net.format("readout.psi_fast", 16)
    net.stimulus(pixels, type="bernoulli", rate=0.02)
    assert net.spec() == load_spec(example_file)


def test_the_docstring_is_true() -> None:
    assert doctest.testmod(hmn_lava.spec.builder).failed == 0


def small() -> tuple[Network, Any, Any]:
    net = Network("small")
    return net, net.input("a", 3), net.hmn("b", 2, activation="relu", bias=np.array([1.0, 2.0]))


def test_numpy_is_welcome() -> None:
    net, a, b = small()
    weights = np.arange(6, dtype=np.float32).reshape(2, 3) / 8
    mask = np.array([[True, False, True], [False, True, True]])
    net.connect(a, b, weights=weights, delay=np.int64(3), topology=mask, rates={"local": np.float32(0.5)})
    weights[:] = 9  # the spec has its own copy
    model = resolve(net.spec())
    found = model.connections["a_to_b"]
    assert found.weights.tolist() == [0, 2 / 8, 4 / 8, 5 / 8] and found.delay.tolist() == [3] * 4
    assert found.rule is not None and found.rule.eta_local == 0.5
    assert model.populations["b"].bias.tolist() == [1.0, 2.0]


def test_files_come_from_the_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.full((2, 3), 0.25))
    net = Network("files", folder=tmp_path)
    net.connect_static(net.input("a", 3), net.lif("b", 2), name="ab", weights={"npz": "w.npz", "key": "w"})
    assert resolve(net.spec()).connections["ab"].weights.tolist() == [0.25] * 6


def test_a_wrong_field_is_told_where_it_is_written() -> None:
    net, a, b = small()
    with pytest.raises(InputError, match=r"populations\.c\.activation: must be .*[\s\S]*did you mean 'relu'"):
        net.hmn("c", 3, activation="rely")
    with pytest.raises(InputError, match=r"connections\.ab\.weights: holds NaN"):
        net.connect_static(a, b, name="ab", weights=np.array([np.nan]))
    with pytest.raises(InputError, match=r"connections\.ab\.weights: holds object, not numbers"):
        net.connect_static(a, b, name="ab", weights=np.array([None]))
    with pytest.raises(InputError, match=r"global_attention\.beta: must be >= 0"):
        net.global_attention(context=b, beta=-1)
    with pytest.raises(InputError, match=r"connections\.ab\.phase_gat: unknown key[\s\S]*did you mean 'phase_gate'"):
        net.connect(a, b, name="ab", weights=1, rates={}, phase_gat={})


def test_a_name_is_given_once() -> None:
    net, _, _ = small()
    with pytest.raises(InputError, match=r"populations\.a: is there already[\s\S]*a name of its own"):
        net.input("a", 3)


def test_references_are_checked_when_all_is_there() -> None:
    net, a, _ = small()
    net.connect_static(a, "c", name="ac", weights=1)
    with pytest.raises(InputError, match=r"connections\.ac\.target: no such population"):
        net.spec()
    net.lif("c", 3)
    assert net.spec().connections["ac"].target == "c"


def test_a_spec_does_not_change_with_its_network() -> None:
    net, _, _ = small()
    spec = net.spec()
    net.input("later", 1)
    assert "later" not in spec.populations


def test_lists_that_are_no_arrays_are_refused() -> None:
    net, a, b = small()
    endless: list[Any] = []
    endless.append(endless)
    for value in (endless, [["a"]], [True], [[1], [2, 3]]):
        with pytest.raises(InputError, match=r"connections\.ab\.weights"):
            net.connect_static(a, b, name="ab", weights=value)
