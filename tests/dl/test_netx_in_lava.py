"""Imported networks against lava-dl: its netx in Lava on the same files, and the ground truths of its own tests.

Runs in an environment of its own: ``make test-dl``.
"""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "interchange"))

from net_file import CUBA, SDNN, conv, dense, source, write_net

import hmn_lava as hl
from hmn_lava.compiler.pipeline import lower
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.simulator.fast import Fast
from hmn_lava.spec import resolve, spec_from_dict

in_lava: Any = pytest.importorskip("in_lava", reason="needs lava-dl: make test-dl")
HERE = Path(str(distribution("lava-dl").locate_file("tests/lava/lib/dl/netx")))
NAMES = {"z": "z", "u": "u", "v": "v", "sigma": "sigma", "act": "act", "real": "re", "imag": "im"}


def truth(name: str) -> np.ndarray:
    """A ground truth as (steps, neurons), channels first; the file has Lava's shape, then steps."""
    values = np.load(HERE / "gts" / name)
    return np.ascontiguousarray(values.transpose(*reversed(range(values.ndim)))).reshape(values.shape[-1], -1)


def ours(file: Path, x: np.ndarray, steps: int, **options: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """Integers of all signals. Networks that are larger than a chip are run as well: nothing is placed."""
    imported = hl.import_network(file, **options)
    network = lower(resolve(imported.spec), load_profile("loihi2"), "neurocore").network
    late = max(network.latency(name) for name in network.signals)
    raw = Fast(network).run({"x": np.concatenate([x, x[-1:]])[: steps + late]}, steps + late, list(network.signals)).raw
    return imported, {name: raw[name][network.latency(name) :][:steps] for name in raw}


def compare(file: Path, x: np.ndarray, steps: int, lava_options: dict[str, Any], **options: Any) -> None:
    theirs = in_lava.run(file, x, steps, **lava_options)
    imported, signals = ours(file, x, steps, **options)
    assert len(theirs) == len(imported.layers)
    for row, layer in zip(imported.layers, theirs, strict=True):
        compared = 0
        for name, values in layer.items():
            own = signals.get(f"{row.name}.{NAMES[name]}")
            if own is None or (row.kind == "input" and name == "u"):  # the bias is an input of ours
                continue
            assert np.array_equal(own, values), f"{row.name}.{name}: {(own != values).sum()} of {values.size}"
            compared += 1
        assert compared >= 1
    assert any(layer["z"].any() for layer in theirs)


def image(name: str, steps: int) -> np.ndarray:
    """An image of Lava's shape as a constant input, channels first."""
    return np.tile(np.load(HERE / "gts" / name).transpose(2, 1, 0).reshape(1, -1).astype(np.int64), (steps, 1))


def test_tinynet() -> None:
    compare(HERE / "tiny.net", image("tinynet/input_bias.npy", 41), 40, {})
    compare(HERE / "tiny.net", image("tinynet/input_bias.npy", 41), 40, {"reset_interval": 16}, reset_interval=16)


def test_mnist() -> None:
    x = np.tile(np.random.default_rng(0).integers(0, 140, (1, 784)), (31, 1))
    compare(HERE / "mnist.net", x, 30, {})


def test_ntidigits() -> None:
    x = np.load(HERE / "gts/ntidigits/input.npy").T[:201]
    compare(HERE / "gts/ntidigits/ntidigits.net", x, 200, {"num_layers": 5}, layers=5)


@pytest.mark.parametrize("spike_exp", [6, 0])
def test_pilotnet_sdnn(spike_exp: int) -> None:
    x = np.tile(truth("pilotnet_sdnn/input.npy")[:1].astype(np.int64), (13, 1))
    options = {"spike_exp": spike_exp}
    compare(HERE / "gts/pilotnet_sdnn/network.net", x, 12, options, **options)


def test_pilotnet_lif() -> None:
    file = HERE / "gts/pilotnet_lif/network.net"
    compare(file, image("pilotnet_lif/image.npy", 13), 12, {})


RANGES = ((-120, 120), (0, 200), (-128, -1), (-64, 0), (-255, 254))


def random_layers(draw: int) -> tuple[list[dict[str, Any]], np.ndarray, bool]:
    """A small network of any kind, what drives it, and whether that is its first layer's bias."""
    rng = np.random.default_rng(draw)

    def whole(low: int, high: int, *shape: int) -> np.ndarray:
        return rng.integers(low, high + 1, shape)

    def cuba(n: int) -> dict[str, Any]:
        each = {"iDecay": whole(0, 4096, n), "vDecay": whole(0, 4096, n), "vThMant": whole(1, 200, n)}
        alike = {name: int(values[0]) for name, values in each.items()}
        return {**CUBA, **(each if draw % 3 == 0 else alike)}

    graded = draw % 4 == 1
    if graded:
        first: dict[str, Any] = {**SDNN, "vThMant": int(whole(0, 9))}
        neuron = lambda n: {**SDNN, "vThMant": int(whole(0, 9))}  # noqa: E731
        x = whole(-60, 60, 31, 2 * 6 * 5)
    else:
        first, neuron = {**cuba(1), "iDecay": 4096, "vDecay": 200, "vThMant": 60}, cuba
        x = np.tile(whole(0, 120, 1, 2 * 6 * 5), (31, 1))
    stride, padding, dilation = (whole(low, 2, 2) for low in (1, 0, 1))
    groups = int(whole(1, 2))
    kernel = whole(-30, 30, 4, 2 // groups, 2, 2)
    shape = [4, *((n + 2 * p - d - 1) // s + 1 for n, s, p, d in zip((6, 5), stride, padding, dilation, strict=True))]
    size = int(np.prod(shape))
    sides = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    # Of sigma-delta neurons smaller: their sums stay in a word of the chip, which Lava's simulation does not have.
    ranges = ((-20, 20), (0, 9), (-8, -1), (-8, 0), (-30, 30)) if graded else RANGES
    low, high = ranges[draw % 5]
    w = whole(low, high, 7, size) * (1 if draw % 2 else 2) // (1 if draw % 2 else 2)
    last = {**SDNN, "sigma_output": True} if graded else None
    return (
        [
            source([2, 6, 5], first),
            conv(shape, kernel, neuron(4), bias=whole(-40, 40, 4).astype(np.float32), **sides),
            {"type": "flatten", "shape": np.array([size, 1, 1])},
            dense(w, neuron(7), **({} if draw % 2 else {"bias": whole(-9, 9, 7)})),
            dense(whole(-90, 90, 3, 7), last),
        ],
        x,
        not graded,
    )


@pytest.mark.parametrize("draw", range(20))
def test_random_networks(draw: int, tmp_path: Path) -> None:
    layers, x, _ = random_layers(draw)
    compare(write_net(tmp_path / "a.net", layers), x, 30, {})


@pytest.mark.parametrize("draw", range(4))
def test_random_layers_with_delays(draw: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(draw)
    w, x = rng.integers(-100, 100, (5, 8)), rng.integers(0, 2, (101, 8))
    delay = (rng.integers(0, 40, 5), rng.integers(0, 40, 8), rng.integers(0, 40, (5, 8)), np.int64(7))[draw]
    neuron = {**CUBA, "iDecay": 1000, "vDecay": 500}
    compare(write_net(tmp_path / "a.net", [dense(w, neuron, delay=delay.astype(np.float32))]), x, 100, {})


@pytest.mark.parametrize("draw", range(4))
def test_random_recurrent_layers(draw: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(draw)
    layer = dense(rng.integers(0 if draw == 3 else -60, 100, (5, 8)), {**CUBA, "iDecay": 1000})
    layer |= {"type": "dense_rec", "weight_rec": rng.integers(-100, 60, (5, 5)).astype(np.float32)}
    compare(write_net(tmp_path / "a.net", [layer]), rng.integers(0, 2, (61, 8)), 60, {})


@pytest.mark.parametrize("kind", ["RF_PHASE", "RF_IZHIKEVICH"])
def test_random_resonators(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    neuron = {"type": kind, "vThMant": 40, "sinDecay": 1500, "cosDecay": 3600}
    weights = {f"weight/{part}": rng.integers(-100, 100, (6, 9)) for part in ("real", "imag")}
    layer = {"type": "dense", "shape": np.array([6]), **weights, "neuron": neuron}
    compare(write_net(tmp_path / "a.net", [layer]), rng.integers(0, 2, (121, 9)), 120, {})


# what lava-dl's own tests compare with


def test_the_truth_of_tinynet() -> None:
    """Layers see the same step; each layer's truth is a step behind the one before it."""
    _, signals = ours(HERE / "tiny.net", image("tinynet/input_bias.npy", 30), 20, timing="aligned")
    for name, file, late in (("input0.z", "input", 1), ("conv1.z", "layer1", 1), ("conv2.z", "output", 1)):
        expected = np.load(HERE / f"gts/tinynet/{file}.npy")[0].transpose(3, 0, 1, 2).reshape(16, -1)
        assert np.array_equal(signals[name][: 16 - late], expected[late:])
    expected = np.load(HERE / "gts/tinynet/current.npy")[0].transpose(3, 0, 1, 2).reshape(16, -1)
    assert np.array_equal(signals["conv1.u"][:15], 64 * expected[1:])


def test_the_truth_of_ntidigits() -> None:
    x = np.load(HERE / "gts/ntidigits/input.npy").T
    _, signals = ours(HERE / "gts/ntidigits/ntidigits.net", x, 2990, layers=5, timing="aligned")
    expected = truth("ntidigits/output.npy")
    assert np.array_equal(signals["dense4.z"][:2980], expected[4:2984])


def test_the_truth_of_pilotnet_sdnn() -> None:
    x = np.tile(truth("pilotnet_sdnn/input.npy")[:1], (21, 1))
    _, signals = ours(HERE / "gts/pilotnet_sdnn/network.net", x, 20)
    for name, file in (
        ("input0.z", "act0"),
        ("conv1.sigma", "sigma1"),
        ("conv2.sigma", "sigma2"),
        ("dense9.z", "output"),
    ):
        expected = truth(f"pilotnet_sdnn/{file}.npy")
        assert np.array_equal(signals[name][: len(expected)], expected)


def test_the_truth_of_the_square_pilotnet() -> None:
    x = truth("pilotnet_sdnn/act0.npy").reshape(20, 3, 33, 100)[..., :33].reshape(20, -1) / 64
    _, signals = ours(HERE / "gts/pilotnet_sdnn/square_network.net", x, 20, skip=1)
    for layer in (1, 2, 3, 4):
        assert np.array_equal(signals[f"conv{layer}.sigma"], truth(f"pilotnet_sdnn/sigma{layer}_square.npy"))


def test_the_truth_of_pilotnet_lif() -> None:
    """Samples of 17 steps, but the last layer's of 16; a neuron that has just fired has its refractory count in v."""
    file, x = HERE / "gts/pilotnet_lif/network.net", image("pilotnet_lif/image.npy", 27)
    _, signals = ours(file, x, 25, reset_interval=17)
    assert np.array_equal(signals["input0.z"][:24], truth("pilotnet_lif/input.npy"))
    layers = {f"conv-{n}": f"conv{n + 1}" for n in range(5)} | {f"fc-{n}": f"dense{n + 7}" for n in range(3)}
    for theirs, mine in layers.items():
        z, u, v = (truth(f"pilotnet_lif/{theirs}{end}.npy") for end in ("", "-u", "-v"))
        assert np.array_equal(signals[f"{mine}.z"][:24], z) and np.array_equal(signals[f"{mine}.u"][:24], u)
        assert np.array_equal(np.where(z, 128, signals[f"{mine}.v"][:24]), v)
    _, signals = ours(file, x, 25, reset_interval=16, reset_offset=15)
    for name in "uv":
        assert np.array_equal(signals[f"dense10.{name}"], truth(f"pilotnet_lif/fc-3-{name}.npy"))


def bundle_run(spec: Any, x: np.ndarray, *names: str) -> dict[str, np.ndarray]:
    """Integers of signals, from the step on in which the input acts."""
    bundle = hl.compile(spec)
    raw = bundle.run({"x": x}, steps=len(x), probes=list(names)).raw
    return {name: raw[name][bundle.network.latency(name) :] for name in names}


def test_the_truth_of_the_dense_block(tmp_path: Path) -> None:
    layer = dense(np.load(HERE / "gts/dense/weight.npy"), {**CUBA, "vThMant": 6, "vDecay": 415})
    x = np.load(HERE / "gts/dense/in.npy").T
    got = bundle_run(hl.import_network(write_net(tmp_path / "a.net", [layer])).spec, x, "dense0.z", "dense0.u")
    assert np.array_equal(got["dense0.z"], np.load(HERE / "gts/dense/out.npy").T)
    assert np.array_equal(got["dense0.u"], 64 * np.load(HERE / "gts/dense/current.npy").T)


@pytest.mark.parametrize(
    ("kind", "vth", "period", "truth_of", "weights"),
    [("phase", 25, 11, "out", ("weight_r", "weight_img")), ("izhikevich", 1.1, 7, "current", None)],
)
def test_the_truth_of_the_resonators(
    kind: str, vth: float, period: float, truth_of: str, weights: tuple[str, str] | None
) -> None:
    """A dense block with the step of its synapses, and an input block that has none."""
    folder = HERE / "gts/complex_dense"
    x, expected = np.load(folder / "in.npy").T, np.load(folder / f"{truth_of}.npy").T
    turn = 0.95 * np.exp(2j * np.pi / period) * 4096
    neurons = {"type": "resonator", "size": expected.shape[1], "spike": kind, "vth": int(64 * vth) / 64}
    neurons |= {"decay_re": int(turn.real) / 4096, "decay_im": int(turn.imag) / 4096}
    connections = {}
    for number, component in enumerate(("real", "imaginary")):
        matrix = 1.0 if weights is None else np.load(folder / f"{weights[number]}.npy")
        own = {"weights": matrix, "topology": "one_to_one" if weights is None else "dense"}
        link = {
            "type": "static",
            "source": "x",
            "target": "y",
            "component": component,
            "delay": int(weights is not None),
        }
        connections[component] = {**link, **own}
    populations = {"x": {"type": "input", "size": x.shape[1], "signal": "spike"}, "y": neurons}
    data = {
        "hmn_lava": 1,
        "name": "rf",
        "populations": populations,
        "connections": connections,
        "formats": {"y.a": "s24.0"},
    }
    got = bundle_run(spec_from_dict(data), x, "y.z")["y.z"]
    assert np.array_equal(got, expected[: len(got)])


def test_the_truth_of_the_sigma_delta_blocks(tmp_path: Path) -> None:
    folder, neuron = HERE / "gts/tinynet_sdnn", {**SDNN, "vThMant": 20}
    first, turns = source([3, 16, 16], neuron), np.sin(2 * np.pi * np.arange(15) / 15)
    x = (np.load(folder / "input_bias.npy")[..., None] * turns).astype(int).transpose(3, 2, 1, 0).reshape(15, -1)
    got = bundle_run(
        hl.import_network(write_net(tmp_path / "a.net", [first, dense(np.ones((1, 768)))])).spec, x, "input0.z"
    )
    sent = truth("tinynet_sdnn/input.npy")
    assert np.array_equal(got["input0.z"], sent[: len(got["input0.z"])])
    kernel = np.load(folder / "layer1_kernel.npy").transpose(0, 3, 2, 1)[:, :, ::-1, ::-1]  # Lava flips
    layer = conv([24, 6, 6], kernel, neuron, bias=np.load(folder / "layer1_bias.npy"), stride=np.array([2, 2]))
    spec = hl.import_network(write_net(tmp_path / "b.net", [first, layer]), skip=1).spec
    assert np.array_equal(bundle_run(spec, sent / 64, "conv1.z")["conv1.z"][0], truth("tinynet_sdnn/layer1.npy")[0])
    last = dense(np.load(folder / "layer2_weight.npy"), {**SDNN, "sigma_output": True})
    spec = hl.import_network(write_net(tmp_path / "c.net", [last])).spec
    x = np.load(folder / "layer1.npy").reshape(864, 16).T != 0  # in Lava's order; without message bits, spikes
    assert np.array_equal(bundle_run(spec, x, "dense0.z")["dense0.z"], np.load(folder / "layer2.npy").T)
