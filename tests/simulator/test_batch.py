"""A batch gives what its runs give one by one, whatever the number of threads, and says what is wrong with it."""

import json
from dataclasses import replace

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.cli import main
from hmn_lava.errors import InputError
from hmn_lava.network import Constant
from hmn_lava.simulator.batch import parameter_ranges, run_batch, stacked
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.interpreter import Interpreter

STEPS = 12


@pytest.fixture(scope="module", params=["neurocore", "engine"])
def bundle(request):
    net = hl.Network("net")
    x, out = net.input("x", 20, range=(0, 1)), net.hmn("out", 3, activation="sigmoid")
    teach = net.input("teach", 1, range=(-1, 1))
    net.connect(
        x,
        out,
        name="c",
        weights=0.1,
        rates={"local": 0.0, "global": 0.5},
        traces={"tau_fast": 5.0, "tau_slow": 20.0},
        modulators=[net.modulator("teacher", type="input", source=teach)],
        probabilistic_gate={"beta": 50.0, "threshold": 0.01},
    )
    return hl.compile(net.spec(), plasticity=request.param, seed=3)


def samples(size, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.random((size, STEPS, 20)), "teach": rng.uniform(-1, 1, (size, STEPS, 1))}


def variant(network, parameters):
    """The network with other constants and initial states."""

    def changed(owner, values, given):
        return {name: given.get(f"{owner}/{name}", value) for name, value in values.items()}

    whole = {name: np.asarray(values) for name, values in parameters.items()}
    groups = {
        g.name: replace(
            g,
            initial=changed(g.name, g.initial, whole),
            constants={
                n: Constant(np.broadcast_to(whole.get(f"{g.name}/{n}", c.values), c.values.shape), c.along)
                for n, c in g.constants.items()
            },
        )
        for g in network.groups.values()
    }
    learning = {
        s.name: replace(
            s, initial={n: np.broadcast_to(v, (s.size,)) for n, v in changed(s.name, s.initial, whole).items()}
        )
        for s in network.learning.values()
    }
    return replace(network, groups=groups, learning=learning)


def same(result, expected):
    assert result.raw.keys() == expected.raw.keys()
    for name, values in expected.raw.items():
        np.testing.assert_array_equal(result.raw[name], values, err_msg=name)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_samples(bundle, threads):
    inputs, probes = samples(7), ["c.w", "c.psi_fast"]
    found = bundle.run_batch(inputs, probes=probes, threads=threads)
    assert len(found) == 7
    for n, result in enumerate(found):
        same(result, Interpreter(bundle.network).run({k: v[n] for k, v in inputs.items()}, probes=probes))
    assert any(not np.array_equal(found[0].raw["c.w"], other.raw["c.w"]) for other in found[1:])


def test_a_list_of_inputs_and_an_input_for_all(bundle):
    inputs = samples(4)
    one_for_all = {"x": inputs["x"], "teach": inputs["teach"][0]}
    listed = [{"x": inputs["x"][n], "teach": inputs["teach"][0]} for n in range(4)]
    for first, second in zip(bundle.run_batch(one_for_all), bundle.run_batch(listed), strict=True):
        same(first, second)


def test_parameters(bundle):
    """Every constant and state that may be set changes its run as it changes the interpreter's, and no other run."""
    rng, network = np.random.default_rng(5), bundle.network
    inputs = {name: values[0] for name, values in samples(1).items()}
    sets = [{}]
    for name, (size, low, high, step) in parameter_ranges(network).items():
        sets.append({name: rng.integers(low, high, size, endpoint=True) // step * step})
    sets.append({})
    found = run_batch(network, inputs, STEPS, ["c.w"], sets, threads=2)
    for parameters, result in zip(sets, found, strict=True):
        same(result, Interpreter(variant(network, parameters)).run(inputs, STEPS, ["c.w"]))
    same(found[-1], found[0])
    assert sum(not np.array_equal(r.raw["c.w"], found[0].raw["c.w"]) for r in found) >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "how many runs"),
        ({"inputs": {"x": np.zeros((2, 5, 20)), "teach": np.zeros((3, 5, 1))}}, "teach: the numbers of runs differ"),
        ({"inputs": {"x": np.zeros((2, 5, 20))}, "parameters": [{}]}, "numbers of runs differ"),
        ({"inputs": {"x": np.zeros((2, 5, 19))}}, "wrong shape"),
        ({"inputs": {"y": np.zeros((2, 5, 20))}}, "no such input"),
        ({"inputs": {"x": np.full((2, 5, 20), 7.0)}}, "outside the input's range"),
        ({"inputs": {"x": [[1], [2, 3]]}}, "not numbers"),
        ({"inputs": [1]}, "not the inputs of a batch"),
        ({"inputs": "ab"}, "not the inputs of a batch"),
        ({"inputs": np.zeros((2, 5, 20))}, "not the inputs of a batch"),
        ({"parameters": 3}, "not a list of parameters"),
        ({"parameters": [None]}, "not a list of parameters"),
        ({"parameters": [{"*": np.inf}]}, "not whole numbers"),
        ({"inputs": [{}, {"x": np.full((5, 20), 7.0)}]}, "run 1 of the batch: inputs.x"),
        ({"parameters": [{"nothing/here": 1}]}, r"parameters\[0\].*no such parameter"),
        ({"parameters": [{}, {"*": 0.5}]}, r"parameters\[1\].*not whole numbers"),
        ({"parameters": [{"*": 1 << 30}]}, "outside its range"),
        ({"parameters": [{"*": [0, 0]}]}, "wrong size"),
    ],
)
def test_what_is_wrong_is_said(bundle, arguments, message):
    first = next(iter(parameter_ranges(bundle.network)))
    sets = arguments.get("parameters")
    if isinstance(sets, list) and None not in sets:
        sets = [{first if name == "*" else name: value for name, value in one.items()} for one in sets]
    with pytest.raises(InputError, match=f"(?s){message}"):
        run_batch(bundle.network, arguments.get("inputs"), 5, parameters=sets)


def test_weights_between_the_levels_are_refused():
    net = hl.Network("net")
    net.connect(net.input("x", 2, range=(0, 1)), net.hmn("out", 2, activation="sigmoid"), name="c", weights=0.1,
                rates={"local": 0.1}, bounds=(-1.0, 1.0))  # fmt: skip
    network = hl.compile(net.spec(), plasticity="engine", seed=0).network
    name = next(n for n in parameter_ranges(network) if n.endswith("/weights"))
    assert parameter_ranges(network)[name][3] == 2
    with pytest.raises(InputError, match="in steps of 2"):
        run_batch(network, steps=3, parameters=[{name: 11}])


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_the_number_of_threads(bundle, threads):
    for call in (lambda: bundle.run_batch(samples(2), threads=threads), lambda: Fast(bundle.network, threads=threads)):
        with pytest.raises(InputError, match="whole number from 1"):
            call()


def test_no_runs(bundle):
    assert bundle.run_batch([]) == []
    with pytest.raises(InputError, match="no runs"):
        stacked([])


def test_the_command_runs_a_batch(bundle, tmp_path, capsys):
    """An array with a first axis for the samples makes a batch, also in what is written and printed."""
    inputs, place = samples(3), str(bundle.save(tmp_path / "bundle"))
    np.savez(tmp_path / "in.npz", x=inputs["x"], teach=inputs["teach"][1])
    arguments = ["run", place, "--input", str(tmp_path / "in.npz"), "--probe", "c.w", "--json"]
    assert main.run([*arguments, "-o", str(tmp_path / "out.npz")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["runs"], shown["steps"]) == (3, STEPS)
    with np.load(tmp_path / "out.npz") as found:
        for n in range(3):
            alone = bundle.run({"x": inputs["x"][n], "teach": inputs["teach"][1]}, probes=["c.w"])
            for name, values in alone.raw.items():
                np.testing.assert_array_equal(found[f"{name}.integers"][n], values)
    assert main.run([*arguments, "--backend", "interpreter"]) == 2
    assert "a batch runs on fast alone" in capsys.readouterr().err


def test_a_batch_whose_records_do_not_fit_in_memory_is_refused(bundle, monkeypatch):
    monkeypatch.setattr("hmn_lava.memory.memory", lambda: 500_000)
    one, runs = {name: values[0] for name, values in samples(1).items()}, [{}] * 100
    assert len(bundle.run_batch(one, STEPS, parameters=runs)) == 100
    assert len(bundle.run_batch(one, STEPS, ["c.w"], runs[:50])) == 50
    with pytest.raises(InputError, match="needs about") as error:
        bundle.run_batch(one, STEPS, ["c.w"], runs)
    assert (error.value.field, error.value.value) == ("probes", "100 runs")
