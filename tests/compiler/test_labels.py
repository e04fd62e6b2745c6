"""What is behind a random draw is statistical, all the way downstream."""

from collections import defaultdict

import pytest

from hmn_lava.compiler import compile
from hmn_lava.spec import spec_from_dict


def labels(populations, connections, **rest):
    """Signals by label."""
    data = {"hmn_lava": 1, "name": "n", "populations": populations, "connections": connections, **rest}
    found = defaultdict(set)
    for name, signal in compile(spec_from_dict(data), allow_lossy=True).network.signals.items():
        found[signal.label].add(name)
    return dict(found)


X = {"type": "input", "size": 2, "range": [0, 1]}
ONE = {"type": "input", "size": 1, "range": [-1, 1]}
LAYER = {"type": "hmn", "size": 2, "activation": "sigmoid"}
LIF = {"type": "lif", "size": 2, "du": 0.5, "dv": 0.5, "vth": 1.0}


def static(source, target):
    return {"type": "static", "source": source, "target": target, "weights": 0.5}


def plastic(source, target, **rest):
    rates = {"local": 0.1, "global": 0.5}
    return {"type": "hmn", "source": source, "target": target, "weights": 0.1, "rates": rates, **rest}


def test_without_randomness_nothing_is_statistical():
    found = labels({"x": X, "lif": LIF, "out": LAYER}, {"s": static("x", "lif"), "p": plastic("lif", "out")})
    assert found == {
        "exact": {"x.x", "lif.a", "lif.z", "lif.u", "lif.v"},
        "defined": {"out.a", "out.z", "p.w", "p.dw", "p.psi_fast", "p.psi_slow"},
    }


def test_a_probabilistic_gate_reaches_all_but_what_the_host_and_the_clock_drive():
    found = labels(
        {"x": X, "teach": ONE, "out": LAYER},
        {
            "p": plastic(
                "x",
                "out",
                attention={"beta": 1.0},
                phase_gate={"oscillator": "theta", "phase": 0.0},
                probabilistic_gate={"beta": 50.0, "threshold": 0.01},
            )
        },
        modulators={"teacher": {"type": "input", "source": "teach", "weight": 1.0}},
        oscillators={"theta": {"period": 12.0}},
    )
    assert found["exact"] == {"x.x", "teach.x"}
    assert found["defined"] == {"teacher.E", "p.G", "p.gate"}
    assert {"p.dw", "p.w", "out.a", "out.z", "p.psi_fast", "p.alpha", "p.c_0"} <= found["statistical"]


def test_a_sampled_choice_reaches_modulators_context_and_weights():
    found = labels(
        {"x": X, "r": ONE, "out": LAYER | {"competition": {"type": "sample", "temperature": 0.5}}},
        {"p": plastic("x", "out")},
        modulators={
            "reward": {"type": "reward", "source": "r", "weight": 1.0, "mean_rate": 0.1, "key": [1.0]},
            "doubt": {"type": "uncertainty", "source": "out", "weight": 0.1, "key": [1.0]},
        },
        global_attention={"beta": 1.0, "dimensions": 1, "rate": 0.1, "context": "out", "key": 1.0},
    )
    assert found["defined"] == {"reward.E"}
    assert {"out.z", "doubt.E", "global.C_0", "p.G", "p.dw", "p.w", "out.a"} <= found["statistical"]


@pytest.mark.parametrize(("noise", "label"), [(0.0, "exact"), (0.1, "statistical")])
def test_noise_degrades_a_lif_behind_it(noise, label):
    found = labels(
        {"x": X, "out": LAYER | {"noise": noise}, "lif": LIF}, {"a": static("x", "out"), "b": static("out", "lif")}
    )
    assert {"lif.a", "lif.u", "lif.v", "lif.z"} <= found[label]
    assert "x.x" in found["exact"]


def test_a_random_modulator_does_not_reach_a_connection_that_ignores_it():
    found = labels(
        {"x": X, "y": LAYER | {"noise": 0.5}, "out": LAYER},
        {
            "s": static("x", "y"),
            "p": plastic("x", "y", modulators=["doubt"]),
            "q": plastic("x", "out", modulators=[]),
        },
        modulators={"doubt": {"type": "uncertainty", "source": "y", "weight": 0.1}},
    )
    assert {"doubt.E", "p.G", "p.w"} <= found["statistical"]
    assert {"q.w", "q.dw", "q.psi_fast", "out.a", "out.z"} <= found["defined"]
