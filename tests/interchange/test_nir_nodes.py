"""Each node of NIR against its equation, written out here, and what is told of what a spec cannot hold."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.interchange.nir_export import export_nir
from hmn_lava.interchange.nir_import import import_nir
from hmn_lava.reference import Reference
from hmn_lava.spec import load_spec, resolve, spec_from_dict

nir = pytest.importorskip("nir")

STEPS, DT = 25, 0.1
RNG = np.random.default_rng(4)
X = RNG.random((STEPS, 6))
W = RNG.normal(size=(4, 6))
B = np.array([0.3, -0.2, 0.1, 0.0])


@pytest.fixture(autouse=True)
def _the_same_draws_in_any_order() -> None:
    RNG.bit_generator.state = np.random.default_rng(1).bit_generator.state


def run(graph, x=X, **options):
    found = import_nir(graph, **{"dt": DT, **options})
    output = f"{found.output}.z"
    return Reference(resolve(found.spec)).run({found.input: x}, len(x), [output])[output]


def sequence(*nodes, shape=(6,)):
    last = nodes[-1]
    names = ["input", *(f"n{i}" for i in range(len(nodes))), "output"]
    parts = [nir.Input(np.array(shape)), *nodes, nir.Output(last.output_type)]
    return nir.NIRGraph(dict(zip(names, parts, strict=True)), list(pairwise(names)), type_check=False)


def full(value, n=4):
    return np.full(n, float(value))


def spiking(drive, decay, gain, leak, threshold, reset, how="value"):
    v, out = np.zeros(4), []
    for x in drive:
        v = v + decay * (leak - v) + gain * x
        z = v > threshold
        v = np.where(z, reset if how == "value" else v - threshold, v)
        out.append(z)
    return np.array(out, float)


@pytest.mark.parametrize("discretisation", ["euler", "exponential"])
@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_lif(discretisation, reset):
    tau, r = np.array([0.3, 0.5, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 9.0])
    node = nir.LIF(tau=tau, r=r, v_leak=full(0.2), v_threshold=full(0.4), v_reset=full(-0.1 if reset == "value" else 0))
    decay = DT / tau if discretisation == "euler" else 1 - np.exp(-DT / tau)
    expected = spiking(X @ W.T + B, decay, decay * r, 0.2, 0.4, -0.1, reset)
    made = run(sequence(nir.Affine(W, B), node), discretisation=discretisation, reset=reset)
    assert expected.sum() > 10
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("threshold", ["above", "reached"])
@pytest.mark.parametrize("reset", ["value", "subtract", "subtract_late"])
def test_voltages_that_start_at_v_leak(reset, threshold):
    leak, tau = np.array([0.2, -0.3, 0.1, 0.25]), np.array([0.3, 0.5, 1.0, 2.0])
    node = nir.LIF(tau=tau, r=full(2.0), v_leak=leak, v_threshold=full(0.4), v_reset=full(0.0))
    v, z, expected = leak, np.zeros(4), []
    for x in X @ W.T + B:
        v = v + DT / tau * (leak - v + 2.0 * x) - (0.4 * z if reset == "subtract_late" else 0.0)
        z = (v > 0.4).astype(float)
        v = {"value": np.where(z > 0, 0.0, v), "subtract": v - 0.4 * z, "subtract_late": v}[reset]
        expected.append(z)
    made = run(sequence(nir.Affine(W, B), node), convention="spikingjelly", reset=reset, threshold=threshold)
    assert np.sum(expected) > 10
    np.testing.assert_array_equal(made, expected)


def test_a_start_above_the_threshold_is_told():
    node = nir.LIF(tau=full(0.5), r=full(1.0), v_leak=full(0.5), v_threshold=full(0.4), v_reset=full(0.0))
    found = import_nir(sequence(nir.Linear(W), node), dt=DT, convention="norse")
    assert [finding.rule for finding in found.findings] == ["start"]


def test_if_and_a_resistance_below_zero():
    r = np.array([2.0, -3.0, 4.0, 1.0])
    node = nir.IF(r=r, v_threshold=full(0.5), v_reset=full(0.1))
    expected = spiking(X @ W.T, 0.0, DT * r, 0.0, 0.5, 0.1)
    assert expected[:, 1].sum() > 0
    np.testing.assert_array_equal(run(sequence(nir.Linear(W), node)), expected)


def test_cuba_lif_with_a_bias_through_its_current():
    node = nir.CubaLIF(
        tau_syn=full(0.25), tau_mem=full(0.5), r=full(2.0), v_leak=full(0.1), v_threshold=full(0.4), v_reset=full(0.0),
        w_in=full(3.0),
    )  # fmt: skip
    current, v, expected = np.zeros(4), np.zeros(4), []
    for x in X @ W.T + B:
        current = current + DT / 0.25 * (3.0 * x - current)
        v = v + DT / 0.5 * (0.1 - v + 2.0 * current)
        expected.append(v > 0.4)
        v = np.where(v > 0.4, 0.0, v)
    assert np.sum(expected) > 10
    np.testing.assert_array_equal(run(sequence(nir.Affine(W, B), node)), np.array(expected, float))


def test_li_cuba_li_and_i_send_their_voltage_in_the_graphs_unit():
    drive = X @ W.T + B
    li, cuba, i = np.zeros(4), np.zeros(4), np.zeros(4)
    current, expected = np.zeros(4), {"LI": [], "CubaLI": [], "I": []}
    for x in drive:
        li = li + DT / 0.5 * (0.1 - li + 2.0 * x)
        current = current + DT / 0.2 * (1.5 * x - current)
        cuba = cuba + DT / 0.5 * (0.1 - cuba + 2.0 * current)
        i = i + DT * 2.0 * x
        for name, v in (("LI", li), ("CubaLI", cuba), ("I", i)):
            expected[name].append(v)
    nodes = {
        "LI": nir.LI(tau=full(0.5), r=full(2.0), v_leak=full(0.1)),
        "CubaLI": nir.CubaLI(tau_syn=full(0.2), tau_mem=full(0.5), r=full(2.0), v_leak=full(0.1), w_in=full(1.5)),
        "I": nir.I(r=full(2.0)),
    }
    for name, node in nodes.items():
        made = run(sequence(nir.Affine(W, B), node), voltage_max=100.0)
        np.testing.assert_allclose(made, expected[name], rtol=1e-12, atol=1e-12)


def test_threshold_also_below_zero():
    threshold = np.array([0.5, -0.5, 0.0, 1.0])
    made = run(sequence(nir.Affine(W, B), nir.Threshold(threshold)))
    np.testing.assert_array_equal(made, (threshold < X @ W.T + B).astype(float))


def test_scale_delay_and_what_is_only_linear():
    s = np.array([2.0, -1.0, 0.5, 3.0])
    delay = np.array([0.0, 0.1, 0.3, 0.2])
    made = run(sequence(nir.Linear(W), nir.Scale(s), nir.Delay(delay)))
    steps = (delay / DT).round().astype(int)
    whole = X @ W.T * s
    for k in range(4):
        expected = np.concatenate([np.zeros(steps[k]), whole[:, k]])[:STEPS]
        np.testing.assert_allclose(made[:, k], expected, atol=1e-12)


def convolution(x, kernel, stride, padding):
    """Of (c, h, w), as four loops."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    out, _, kh, kw = kernel.shape
    sides = [(n - k) // stride + 1 for n, k in zip(x.shape[1:], (kh, kw), strict=True)]
    made = np.zeros((out, *sides))
    for o in range(out):
        for i in range(sides[0]):
            for j in range(sides[1]):
                patch = x[:, i * stride : i * stride + kh, j * stride : j * stride + kw]
                made[o, i, j] = (kernel[o] * patch).sum()
    return made


def test_convolution_pools_and_flatten():
    kernel, bias = RNG.normal(size=(3, 2, 3, 3)), np.array([0.1, -0.2, 0.3])
    x = RNG.random((3, 2, 6, 7))
    pool = nir.AvgPool2d(kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0]))
    weights = RNG.normal(size=(4, 3 * 3 * 3))
    nodes = {
        "input": nir.Input(np.array([2, 6, 7])),
        "conv": nir.Conv2d((6, 7), kernel, 1, 1, 1, 1, bias),
        "pool": pool,
        "flat": nir.Flatten({"input": np.array([3, 3, 3])}, 0, -1),
        "fc": nir.Affine(weights, B),
        "output": nir.Output(np.array([4])),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    expected = []
    for step in x:
        maps = convolution(step, kernel, 1, 1) + bias[:, None, None]
        pooled = convolution(maps, np.eye(3)[:, :, None, None] * np.full((2, 2), 0.25), 2, 0)
        expected.append(weights @ pooled.reshape(-1) + B)
    np.testing.assert_allclose(run(graph, x.reshape(3, -1)), expected, atol=1e-12)


@pytest.mark.parametrize("form", [(3, 1, 1), (1, 3, 1, 1), (3, 3, 1), (1, 3, 3)])
@pytest.mark.parametrize("kind", ["LIF", "Threshold", "Scale"])
def test_parameters_of_a_channel_or_a_side_go_in_and_out(kind, form, tmp_path):
    values = np.arange(1.0, 1.0 + np.prod(form)).reshape(form) / 8
    at = np.broadcast_to(values[0] if len(form) == 4 else values, (3, 3, 3))
    x = RNG.random((STEPS, 3, 3, 3))
    one = np.ones(form)
    node = {
        "LIF": lambda: nir.LIF(tau=one * DT, r=one, v_leak=0 * one, v_threshold=values),
        "Threshold": lambda: nir.Threshold(values),
        "Scale": lambda: nir.Scale(values),
    }[kind]()
    graph = sequence(node, shape=(3, 3, 3))
    expected = ((x * at) if kind == "Scale" else (x > at)).reshape(STEPS, -1)
    np.testing.assert_allclose(run(graph, x.reshape(STEPS, -1)), expected, rtol=1e-12)
    back = export_nir(import_nir(graph, dt=DT).spec).graph.nodes
    key = {"LIF": "v_threshold", "Threshold": "threshold", "Scale": "scale"}[kind]
    np.testing.assert_array_equal(getattr(back["n0"], key), values)


def test_a_record_of_another_size_is_an_error():
    spec = import_nir(sequence(nir.Linear(W), nir.Threshold(full(0.5))), dt=DT).spec
    data = spec.model_dump(by_alias=True, exclude_unset=True)
    data["nir"]["nodes"]["n1"]["fields"]["threshold"] = [0.1, 0.2]
    with pytest.raises(InputError, match=r"n1.threshold: has shape \(2,\), which does not fit \(4,\)"):
        export_nir(spec_from_dict(data))


@pytest.mark.parametrize(("first", "last"), [(0, 3), (-4, 1), (3, 4)])
def test_flatten_of_axes_that_are_not_there(first, last):
    data = sequence(nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1), shape=(2, 2, 2)).to_dict()
    data["nodes"]["n0"] |= {"start_dim": first, "end_dim": last}
    with pytest.raises(InputError, match=r"n0.(start|end)_dim: is no axis of shape"):
        import_nir(_Given(data), dt=DT)


@pytest.mark.parametrize("window", ["conv", "pool"])
@pytest.mark.parametrize("kind", ["Scale", "Delay", "LI"])
def test_numbers_of_each_neuron_behind_a_flattened_convolution(kind, window, tmp_path):
    kernel, x = RNG.normal(size=(2, 2, 2, 2)), RNG.random((STEPS, 2, 3, 4))
    two, one, none = (np.array([n, n]) for n in (2, 1, 0))
    conv = nir.Conv2d((3, 4), kernel, 1, 0, 1, 1, np.zeros(2)) if window == "conv" else nir.SumPool2d(two, one, none)
    if window == "pool":
        kernel = np.eye(2)[:, :, None, None] * np.ones((2, 2))
    flat = np.array([convolution(step, kernel, 1, 0).reshape(-1) for step in x])
    each = np.linspace(-1.0, 2.0, 12)
    late = np.arange(12) % 5
    node = {
        "Scale": lambda: nir.Scale(each),
        "Delay": lambda: nir.Delay(late * DT),
        "LI": lambda: nir.LI(tau=np.full(12, DT), r=each, v_leak=np.zeros(12)),
    }[kind]()
    expected = flat * each
    if kind == "Delay":
        expected = np.stack([np.concatenate([np.zeros(d), flat[:, i]])[:STEPS] for i, d in enumerate(late)], axis=1)
    graph = sequence(conv, nir.Flatten({"input": np.array([2, 2, 3])}, 0, -1), node, shape=(2, 3, 4))
    found = import_nir(graph, dt=DT, voltage_max=100.0)
    assert import_nir(export_nir(found.spec, tmp_path / "again.nir").graph).spec == found.spec
    np.testing.assert_allclose(run(graph, x.reshape(STEPS, -1), voltage_max=100.0), expected, atol=1e-12)


def test_recurrence_and_nesting_take_a_step_back():
    loop = nir.NIRGraph(
        {
            "input": nir.Input(np.array([4])),
            "lif": nir.LIF(tau=full(DT), r=full(1.0), v_leak=full(0.0), v_threshold=full(0.5)),
            "back": nir.Linear(-2.0 * np.eye(4)[::-1]),
            "output": nir.Output(np.array([4])),
        },
        [("input", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "output")],
        type_check=False,
    )
    graph = sequence(nir.Linear(np.abs(W)), loop)
    z, expected = np.zeros(4), []
    for x in X @ np.abs(W).T:
        z = (x - 2.0 * z[::-1] > 0.5).astype(float)
        expected.append(z)
    assert 0.1 < np.mean(expected) < 0.95
    np.testing.assert_array_equal(run(graph), expected)
    found = import_nir(graph, dt=DT)
    assert [f.rule for f in found.findings] == ["feedback"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda g: g["nodes"]["n1"].update(type="Perceptron"), "n1: is of type Perceptron, which cannot be imported"),
        (lambda g: g["nodes"]["n1"].pop("tau"), "n1.tau: is missing in a node of type LIF"),
        (lambda g: g["nodes"]["n1"].update(tau=full(np.nan)), "n1.tau: holds NaN or infinity"),
        (lambda g: g["nodes"]["n1"].update(tau=full(0.0)), "n1.tau: must be above 0"),
        (lambda g: g["nodes"]["n1"].update(tau=full(0.01)), "Euler's decay would be 10"),
        (lambda g: g["nodes"]["n1"].update(v_threshold=full(0.0)), "n1.v_threshold: is not above 0"),
        (lambda g: g["nodes"]["n1"].update(r=np.ones(3)), "n1.r: has shape (3,), which does not fit (4,)"),
        (lambda g: g["nodes"]["n0"].update(weight=np.ones((4, 5))), "n0.weight: has shape (4, 5)"),
        (lambda g: g["nodes"]["n0"].update(weight="abc"), "n0.weight: is no number"),
        (lambda g: g["nodes"]["n0"].update(weight=np.ones((2, 4, 6))), "n0.weight: has 3 axes, needs 2"),
        (lambda g: g["nodes"]["n0"].update(bias=full(2e9)), "n0.bias: holds a number beyond 1e+09"),
        (lambda g: g.update(edges=[("input", "nowhere")]), "edges: names a node that is not there (got 'nowhere')"),
        (lambda g: g.update(edges=[1, 2]), "edges: is no list of pairs"),
        (lambda g: g["nodes"].pop("input") and g["edges"].pop(0), "nodes: have no Input"),
        (lambda g: g["nodes"]["input"].update(shape=np.array([0])), "input.shape: is no shape of a sample"),
        (lambda g: g["nodes"]["input"].update(shape=np.array([2.5])), "input.shape: must hold whole numbers"),
        (lambda g: g.update(type="Graph"), "type: is no NIR graph"),
        (lambda g: g["edges"].append(("n0", "n0")), "n0: is in a loop, or behind one, that has no neurons"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_error_that_names_the_node(change, told):
    lif = nir.LIF(tau=full(1.0), r=full(1.0), v_leak=full(0.0), v_threshold=full(1.0))
    data = sequence(nir.Affine(W, B), lif).to_dict()
    data["edges"] = [tuple(edge) for edge in data["edges"]]
    change(data)
    with pytest.raises(InputError) as error:
        import_nir(_Given(data), dt=DT)
    assert told in str(error.value) and error.value.remedy


def test_options_that_are_wrong():
    lif = nir.LIF(tau=full(1.0), r=full(1.0), v_leak=full(0.0), v_threshold=full(1.0))
    graph = sequence(nir.Affine(W, B), lif)
    for options in ({}, {"dt": 0.0}, {"dt": True}, {"dt": 1.0, "convention": "brian"}, {"dt": 1.0, "reset": "never"},
                    {"dt": 1.0, "input_range": "all"}):  # fmt: skip
        with pytest.raises(InputError):
            import_nir(graph, **options)
    with pytest.raises(InputError, match="neither a file nor a NIR graph"):
        import_nir(3)


def test_what_learns_travels_in_the_metadata(tmp_path):
    spec = load_spec(Path(__file__).parent.parent / "spec" / "example.yaml")
    made = export_nir(spec, tmp_path / "learns.nir")
    assert {"not-in-nir"} == {finding.rule for finding in made.findings}
    back = import_nir(tmp_path / "learns.nir").spec
    assert back.connections == spec.connections and back.modulators == spec.modulators


def test_a_graph_that_another_tool_changed_counts(tmp_path):
    spec = spec_from_dict({
        "hmn_lava": 1, "name": "two", "populations": {"x": {"type": "input", "size": 2},
        "y": {"type": "lif", "size": 2, "dv": 0.25}},
        "connections": {"w": {"type": "static", "source": "x", "target": "y", "weights": [[0.5, 1.0], [2.0, 0.25]]}},
    })  # fmt: skip
    graph = export_nir(spec, tmp_path / "two.nir").graph
    assert import_nir(graph).spec == spec
    graph.nodes["w"].weight[0, 0] = 0.75
    found = import_nir(graph)
    assert [finding.rule for finding in found.findings] == ["edited-graph"]
    assert found.spec.connections["w"].weights.array[0, 0] == 0.75


class _Given:
    """What nir's own objects give, also where these would refuse it."""

    def __init__(self, data):
        self.to_dict = lambda: data


_Given.__name__ = "NIRGraph"
