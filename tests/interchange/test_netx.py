"""lava-dl's files: what is imported computes, bit for bit, what Lava's fixed-point models do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import lava_arithmetic as lava
from net_file import CUBA, SDNN, conv, dense, read_here, source, write_net

import hmn_lava as hl
from hmn_lava.interchange import netx_file

STEPS = 40


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, which is faster; ``test_hostile.py`` has the other way."""
    monkeypatch.setattr(netx_file, "read_group", read_here)


def run(imported: Any, x: np.ndarray, *probes: str, backend: str = "fast") -> dict[str, np.ndarray]:
    """Integers of signals, from the step on in which the input acts."""
    bundle = hl.compile(imported.spec)
    late = max(bundle.network.latency(name) for name in probes)
    x = np.concatenate([x, np.zeros((late, *x.shape[1:]))])
    raw = bundle.run({"x": x}, steps=len(x), probes=list(probes), backend=backend).raw
    return {name: raw[name][bundle.network.latency(name) :][: len(x) - late] for name in probes}


def whole(seed: int, low: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high + 1, shape)


def test_a_spiking_network_is_lavas(tmp_path: Path) -> None:
    """Bias-driven input, convolution with every option, dense layers, decays per channel and per neuron, biases."""
    x = whole(0, 0, 90, 2, 5, 4)
    kernel, w1, w2 = whole(1, -20, 20, 4, 1, 3, 2), 2 * whole(2, -60, 60, 6, 24), whole(3, -9, 9, 3, 6)
    first = {**CUBA, "vDecay": 300, "vThMant": 90}
    second = {**CUBA, "iDecay": np.array([4096, 1000, 2000, 0]), "vDecay": 700, "vThMant": np.array([60, 30, 45, 3000])}
    third = {**CUBA, "iDecay": whole(4, 500, 4096, 6), "vDecay": whole(5, 0, 4096, 6), "vThMant": 50}
    b1, b2 = whole(6, -9, 9, 4), whole(7, -9, 9, 6)
    sides = {"stride": np.array([2, 1]), "padding": np.array([1, 0]), "dilation": np.array([1, 2]), "groups": 2}
    layers = [
        source([2, 5, 4], first, weight=np.float32(36), bias=np.float32(34)),
        conv([4, 3, 2], kernel[..., None], second, bias=b1.astype(np.float32), **sides),
        {"type": "flatten", "shape": np.array([24, 1, 1])},
        dense(w1, third, bias=b2),
        dense(w2, None),
    ]
    got = run(
        hl.import_network(write_net(tmp_path / "a.net", layers)),
        np.tile(x.reshape(1, -1), (STEPS, 1)),
        *(f"{p}.{s}" for p in ("input0", "conv1", "dense3", "dense4") for s in "uvz"),
    )
    states: list[dict[str, Any]] = [{}, {}, {}, {}]
    z = [np.zeros(n, np.int64) for n in (40, 24, 6, 3)]
    each = {k: np.repeat(second[k], 6) for k in ("iDecay", "vThMant")}
    fired = np.zeros(4)
    for t in range(STEPS):
        a1 = lava.convolve(z[0].reshape(2, 5, 4), kernel, [2, 1], [1, 0], [1, 2], 2)
        a2, a3 = w1 @ z[1], w2 @ z[2]
        z[0] = lava.lif(states[0], np.zeros(40, np.int64), 4096, 300, 90, x.reshape(-1))
        z[1] = lava.lif(states[1], a1, each["iDecay"], 700, each["vThMant"], np.repeat(b1, 6))
        z[2] = lava.lif(states[2], a2, third["iDecay"], third["vDecay"], 50, b2)
        z[3] = lava.lif(states[3], a3, 0, 4096, 1 << 17, 0)
        for name, n in (("input0", 0), ("conv1", 1), ("dense3", 2), ("dense4", 3)):
            assert np.array_equal(got[f"{name}.z"][t], z[n]), (name, t)
            assert np.array_equal(got[f"{name}.v"][t], states[n]["v"]), (name, t)
            if n:  # the bias of an input comes through its synapses here
                assert np.array_equal(got[f"{name}.u"][t], states[n]["u"]), (name, t)
            fired[n] += z[n].sum()
    assert (fired[:3] > 10).all() and fired[3] == 0  # the last layer only integrates


@pytest.mark.parametrize("spike_exp", [6, 0, 3])
def test_a_sigma_delta_network_is_lavas(tmp_path: Path, spike_exp: int) -> None:
    x = whole(0, -50, 60, STEPS, 12)
    w1, w2, w3 = whole(1, -30, 30, 8, 12), whole(2, -30, 30, 6, 8), whole(3, -20, 20, 2, 6)
    b1 = whole(4, -9, 9, 8)
    layers = [
        source([12], {**SDNN, "vThMant": 5}),
        dense(w1, {**SDNN, "vThMant": 7}, bias=b1),
        dense(w2, {**SDNN, "vThMant": whole(5, 0, 9, 6)}),
        dense(w3, {**SDNN, "sigma_output": True}),
    ]
    imported = hl.import_network(write_net(tmp_path / "a.net", layers), spike_exp=spike_exp)
    got = run(imported, x, *(f"{name}.z" for name in ("input0", "dense1", "dense2", "dense3")), "dense2.act")
    states: list[dict[str, Any]] = [{}, {}, {}, {}]
    z = [np.zeros(n, np.int64) for n in (12, 8, 6, 2)]
    raw, kept = spike_exp + 6, 0
    for t in range(STEPS):
        a1, a2, a3 = w1 @ z[0], w2 @ z[1], w3 @ z[2]
        z[0] = lava.delta(states[0], x[t] << raw, 5, raw)
        z[1] = lava.sigma_delta(states[1], a1, 7, b1, raw)
        z[2] = lava.sigma_delta(states[2], a2, layers[2]["neuron"]["vThMant"], 0, raw)
        z[3] = lava.sigma(states[3], a3)
        for n, name in enumerate(("input0", "dense1", "dense2", "dense3")):
            assert np.array_equal(got[f"{name}.z"][t], z[n]), (name, t)
        assert np.array_equal(got["dense2.act"][t], states[2]["act"])
        kept += int((z[0] == 0).sum())
    assert kept > 10 and np.abs(z[3]).max() > 50


@pytest.mark.parametrize("kind", ["RF_PHASE", "RF_IZHIKEVICH"])
def test_resonators_are_lavas(tmp_path: Path, kind: str) -> None:
    x = (whole(0, 0, 9, STEPS * 5, 10) < 3).astype(np.int64)
    re, im = 2 * whole(1, -60, 60, 7, 10), whole(2, -60, 60, 7, 10)
    sine, cosine = (
        np.array([1500, 900, 2000, 3000, 100, 2047, 700]),
        np.array([3600, 3800, 3300, -900, 4000, 3500, 3900]),
    )
    neuron = {"type": kind, "vThMant": 25, "sinDecay": sine, "cosDecay": cosine}
    layer = {"type": "dense", "shape": np.array([7]), "weight/real": re, "weight/imag": im, "neuron": neuron}
    imported = hl.import_network(write_net(tmp_path / "a.net", [layer]))
    got = run(imported, x, "dense0.z", "dense0.re", "dense0.im")
    # netx makes a period and a loss of the decays, and Lava decays of these
    loss, period = 1 - np.hypot(sine / 4096, cosine / 4096), 2 * np.pi / np.arctan2(sine / 4096, cosine / 4096)
    sin, cos = (((1 - loss) * wave(2 * np.pi / period) * 4096).astype(np.int64) for wave in (np.sin, np.cos))
    assert np.abs(sin - sine).max() <= 1 and np.abs(cos - cosine).max() <= 1
    sin, cos = imported_decays(imported)
    assert np.abs(sin - sine).max() <= 1 and np.abs(cos - cosine).max() <= 1
    state: dict[str, Any] = {}
    to_re, to_im, fired = lava.Delayed(re), lava.Delayed(im), 0
    for t in range(len(x)):
        z = lava.resonator(state, to_re(x[t]), to_im(x[t]), cos, sin, 25, kind == "RF_PHASE")
        assert np.array_equal(got["dense0.z"][t], z), t
        assert np.array_equal(got["dense0.re"][t], state["re"]) and np.array_equal(got["dense0.im"][t], state["im"])
        fired += int(z.sum())
    assert fired > 10


def test_delays_of_resonators_are_left_out_as_in_netx(tmp_path: Path) -> None:
    weights = {f"weight/{part}": whole(n, -60, 60, 3, 4) for n, part in enumerate(("real", "imag"))}
    neuron = {"type": "RF_PHASE", "vThMant": 25, "sinDecay": 1500, "cosDecay": 3600}
    layer = {"type": "dense", "shape": np.array([3]), **weights, "neuron": neuron}
    plain, late = (
        hl.import_network(write_net(tmp_path / "a.net", [one])) for one in (layer, {**layer, "delay": np.ones(3) * 9})
    )
    assert [finding.rule for finding in late.findings] == ["delay-left-out"] and not plain.findings
    assert all(connection.delay == 1 for connection in late.spec.connections.values())


def imported_decays(imported: Any) -> list[np.ndarray]:
    record = imported.spec.populations["dense0"]
    return [np.ldexp(getattr(record, f"decay_{part}").array, 12).astype(np.int64) for part in ("im", "re")]


@pytest.mark.parametrize("delay", [3, np.arange(6) * 12, np.arange(9) * 7, whole(9, 0, 62, 6, 9)], ids=str)
def test_delays_are_lavas(tmp_path: Path, delay: Any) -> None:
    """One for all, one for each neuron, for each input, for each synapse; up to 62 steps and the message's own."""
    x = (whole(0, 0, 9, 150, 9) < 2).astype(np.int64)
    w = 2 * whole(1, -40, 60, 6, 9)
    neuron = {**CUBA, "iDecay": 1024, "vDecay": 1024}
    layers = [dense(w, neuron, delay=np.asarray(delay, np.float32))]
    steps = np.asarray(delay)
    full = steps[:, None] if steps.shape == (6,) else steps
    for timing in ("lava", "aligned"):
        got = run(hl.import_network(write_net(tmp_path / "a.net", layers), timing=timing), x, "dense0.z", "dense0.u")
        synapse, state = lava.Delayed(w, full), {}
        expected = []
        for t in range(len(x)):
            z = lava.lif(state, synapse(x[t]), 1024, 1024, 80, 0)
            expected.append((z, state["u"]))
        shift = 0 if timing == "lava" else 1
        for t in range(len(x) - shift):
            assert np.array_equal(got["dense0.z"][t], expected[t + shift][0]), (timing, t)
            assert np.array_equal(got["dense0.u"][t], expected[t + shift][1]), (timing, t)


def test_recurrent_layers_are_lavas(tmp_path: Path) -> None:
    x = (whole(0, 0, 9, STEPS, 5) < 4).astype(np.int64)
    w, own = whole(1, -30, 60, 4, 5), whole(2, -60, 20, 4, 4)
    layer = {**dense(w, {**CUBA, "iDecay": 2000}), "type": "dense_rec", "weight_rec": own.astype(np.float32)}
    got = run(hl.import_network(write_net(tmp_path / "a.net", [layer])), x, "dense_rec0.z", "dense_rec0.v")
    synapse, state, z = lava.Delayed(w), {}, np.zeros(4, np.int64)
    fired = 0
    for t in range(STEPS):
        z = lava.lif(state, synapse(x[t]) + own @ z, 2000, 123, 80, 0)
        assert np.array_equal(got["dense_rec0.z"][t], z) and np.array_equal(got["dense_rec0.v"][t], state["v"])
        fired += int(z.sum())
    assert fired > 10


def test_samples_begin_anew(tmp_path: Path) -> None:
    """Each layer a step after the one before it, as Lava's LIFReset with netx's offsets."""
    x, w = whole(0, 20, 60, 6), whole(1, -20, 40, 5, 6)
    neuron = {**CUBA, "iDecay": 500}
    file = write_net(tmp_path / "a.net", [source([6], neuron), dense(w, neuron, bias=whole(2, 0, 9, 5))])
    got = run(hl.import_network(file, reset_interval=7, reset_offset=2), np.tile(x, (STEPS, 1)), "input0.v", "dense1.v")
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    z = np.zeros(6, np.int64)
    for t in range(STEPS):
        if t % 7 == 2:
            first.clear()
        if t % 7 == 3:
            second.clear()
        a = w @ z
        z = lava.lif(first, np.zeros(6, np.int64), 4096, 123, 80, x)
        lava.lif(second, a, 500, 123, 80, whole(2, 0, 9, 5))
        assert np.array_equal(got["input0.v"][t], first["v"]) and np.array_equal(got["dense1.v"][t], second["v"]), t


def test_skipped_layers_leave_their_messages_as_input(tmp_path: Path) -> None:
    layers = [source([5], SDNN), dense(whole(0, -30, 30, 4, 5), SDNN), dense(whole(1, -30, 30, 3, 4), SDNN)]
    file, x = write_net(tmp_path / "a.net", layers), whole(2, -50, 50, STEPS, 5)
    whole_run = run(hl.import_network(file), x, "dense1.z", "dense2.z")
    rest = run(hl.import_network(file, skip=2), np.ldexp(whole_run["dense1.z"].astype(float), -6), "dense2.z")
    assert np.array_equal(rest["dense2.z"], whole_run["dense2.z"]) and np.ptp(rest["dense2.z"]) > 0


def test_pools_and_averages_are_sums_over_neurons(tmp_path: Path) -> None:
    """netx has neither; lava-dl's pool is a convolution of each channel, its average a mean over groups."""
    layers = [
        source([2, 4, 4], None),
        {**conv([2, 2, 2], np.full((1, 1, 2, 2), 30.0), {**CUBA, "vDecay": 4096}, stride=2), "type": "pool"},
        {"type": "average", "shape": np.array([4, 1, 1])},
    ]
    imported = hl.import_network(write_net(tmp_path / "a.net", layers))
    x = (whole(0, 0, 9, STEPS, 32) < 6).astype(np.int64)
    got = run(imported, x, "pool1.u", "pool1.z", "average2.z")
    sums = x.reshape(STEPS, 2, 2, 2, 2, 2).sum(axis=(3, 5)).reshape(STEPS, 8)
    assert np.array_equal(got["pool1.u"][1:], 64 * 30 * sums[:-1])
    assert np.array_equal(got["pool1.z"][1:], sums[:-1] > 2)
    assert np.array_equal(got["average2.z"][1:], got["pool1.z"][:-1].reshape(-1, 4, 2).sum(axis=2))
    assert [finding.rule for finding in imported.findings] == ["average-sums"]


def test_every_integer_of_the_file_is_the_chips(tmp_path: Path) -> None:
    w = whole(0, -100, 100, 5, 6) * 2
    neuron = {**CUBA, "iDecay": 777, "vDecay": 55, "vThMant": 1234}
    bundle = hl.compile(
        hl.import_network(write_net(tmp_path / "a.net", [dense(w, neuron, bias=whole(1, -99, 99, 5))])).spec
    )
    link = bundle.network.links[0]
    assert np.array_equal(link.weights.astype(np.int64) << link.shift, w.reshape(-1))
    values = {name: constant.values for name, constant in bundle.network.groups["dense0"].constants.items()}
    assert values["keep_u"] == 4096 - 777 and values["keep_v"] == 4096 - 55 and values["vth"] == 1234 * 64
    assert np.array_equal(values["bias"], 64 * whole(1, -99, 99, 5))
    assert all(row["relative_error"] == 0 for row in bundle.lowering)


def test_the_transform_of_the_data(tmp_path: Path) -> None:
    w = whole(0, -30, 60, 5, 6)
    file = write_net(tmp_path / "a.net", [source([6], CUBA, weight=np.float32(36), bias=np.float32(34)), dense(w)])
    transform = hl.import_network(file).transform
    assert np.array_equal(transform([-1.0, 0.0, 0.51, 1.0]), [-2, 34, 52, 70])  # 34 + 18.36 is cut
    plain = hl.import_network(write_net(tmp_path / "b.net", [source([6], CUBA), dense(w)])).transform
    assert (plain.weight, plain.bias) == (64, 0)
    for layer, expected in ((source([6], SDNN), (64, 0)), (source([6], SDNN, weight=np.ones((1, 1)) * 5), (5, 0))):
        graded = hl.import_network(write_net(tmp_path / "c.net", [layer, dense(w, SDNN)])).transform
        assert (graded.weight, graded.bias) == expected  # as netx's in_layer.transform, whatever the neurons


def test_a_convolution_keeps_weights_beyond_8_bits(tmp_path: Path) -> None:
    """As Lava's Conv, which cuts none; that no synapse holds them is told."""
    kernel = np.array([[300, -3], [5, -511]]).reshape(1, 1, 2, 2)
    first = {**CUBA, "vDecay": 4096, "vThMant": 1}
    layers = [source([1, 3, 3], first), conv([1, 2, 2], kernel, {**CUBA, "iDecay": 4096, "vThMant": 100_000})]
    imported = hl.import_network(write_net(tmp_path / "a.net", layers))
    assert [finding.rule for finding in imported.findings] == ["wide-weights"]
    got = run(imported, np.full((STEPS, 9), 9), "conv1.u")["conv1.u"]
    assert set(got[5]) == {64 * (300 - 3 + 5 - 511)}
    layers[1] = conv([1, 2, 2], 2 * np.array([[127, -3], [5, -128]]).reshape(1, 1, 2, 2))
    assert not hl.import_network(write_net(tmp_path / "b.net", layers)).findings


def test_executors_agree_and_the_reference_runs(tmp_path: Path) -> None:
    layers = [source([6], CUBA), dense(whole(0, -30, 60, 5, 6)), dense(whole(1, -30, 60, 4, 5))]
    imported = hl.import_network(write_net(tmp_path / "a.net", layers))
    x = np.tile(whole(2, 0, 90, 6), (STEPS, 1))
    names = ["input0.z", "input0.v", "dense1.v", "dense1.z", "dense2.z"]
    fast, golden = (run(imported, x, *names, backend=backend) for backend in ("fast", "interpreter"))
    assert all(np.array_equal(fast[name], golden[name]) for name in names)
    bundle = hl.compile(imported.spec)
    float_z = bundle.run({"x": x}, steps=STEPS, backend="reference", probes=["input0.z"]).real("input0.z")
    assert abs(float_z.sum() / fast["input0.z"].sum() - 1) < 0.1


def test_an_import_is_a_spec_that_can_be_saved(tmp_path: Path) -> None:
    imported = hl.import_network(write_net(tmp_path / "a.net", [dense(whole(0, -30, 60, 20, 30))]))
    written = imported.save(tmp_path / "spec")
    again = hl.load_spec(written)
    first, second = (hl.compile(spec).network for spec in (imported.spec, again))
    assert np.array_equal(first.links[0].weights, second.links[0].weights)
    assert (imported.input, imported.output) == ("x", "dense0")
