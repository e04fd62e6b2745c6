"""Frames of the engine's networks, the lag of their third factors, and the steps in which messages meet."""

import numpy as np
import pytest

from hmn_lava.compiler import attempt
from hmn_lava.compiler.engine.schedule import _framed, schedule
from hmn_lava.simulator.fast import Fast
from hmn_lava.spec import resolve, spec_from_dict

ATTENTION = {"beta": 1.0, "dimensions": 2, "key": {"init": "normal", "std": 1.0}}


def learned(source, target, **rest):
    return {
        "type": "hmn",
        "source": source,
        "target": target,
        "weights": {"init": "uniform", "low": 0.0, "high": 0.25},
        "bounds": [-1.0, 1.0],
        "traces": {"tau_fast": 3.0, "tau_slow": None},
        "rates": {"local": 0.1, "global": 0.1},
        **rest,
    }


def static(source, target, **rest):
    return {"type": "static", "source": source, "target": target, "weights": 0.3, **rest}


def layer(size=3, **rest):
    return {"type": "hmn", "size": size, "activation": "sigmoid", **rest}


def spec(connections, populations=None, **rest):
    return spec_from_dict(
        {
            "hmn_lava": 1,
            "name": "n",
            "populations": {
                "x": {"type": "input", "size": 4, "signal": "graded", "range": [0, 1]},
                "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
                "hidden": layer(),
                "out": layer(),
            }
            | (populations or {}),
            "connections": connections,
            "modulators": {"teacher": {"type": "input", "source": "teach"}},
            **rest,
        }
    )


ONE = {"s": static("x", "hidden"), "c": learned("hidden", "out")}
DOUBT = {"doubt": {"type": "uncertainty", "source": "out", "weight": 0.3}}
WINNER = {"out": layer(competition="winner_take_all")}

NOVELTY = {"new": {"type": "novelty", "source": "x", "mean_rate": 0.1}}
CONTEXT = {"beta": 1.0, "dimensions": 1, "rate": 0.2, "context": "out"}

NETWORKS = {
    "plain": (spec(ONE), 4),
    "competition": (spec(ONE, WINNER), 8),
    "attention": (spec(ONE | {"c": learned("hidden", "out", attention=ATTENTION)}), 8),
    "attention and competition": (spec(ONE | {"c": learned("hidden", "out", attention=ATTENTION)}, WINNER), 8),
    "computed modulator": (spec(ONE, modulators=DOUBT), 8),
    "computed modulator and competition": (spec(ONE, WINNER, modulators=DOUBT), 8),
    "global attention": (
        spec(ONE, modulators={"teacher": {"type": "input", "source": "teach", "key": [1.0]}}, global_attention=CONTEXT),
        8,
    ),
    "novelty of the input": (spec({"c": learned("x", "out")}, modulators=NOVELTY), 4),
    "two layers": (spec({"a": learned("x", "hidden"), "c": learned("hidden", "out")}), 4),
    "loop": (spec(ONE | {"back": static("out", "hidden", delay=1)}), 4),
    "learned loop": (spec(ONE | {"back": learned("out", "hidden", delay=2)}), None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_frame_is_the_shortest_power_of_two(name):
    network, frame = NETWORKS[name]
    model = resolve(network)
    made, findings = schedule(model, 62)
    assert made.frame & (made.frame - 1) == 0 and 4 <= made.frame <= 32
    assert frame is None or made.frame == frame
    assert made.epoch == made.frame // 2
    lag = sum(made.third_lag.values())
    shorter = [_framed(model, f, 62) for f in (4, 8, 16) if f < made.frame]
    # A shorter frame is impossible, or its third factors come later.
    assert all(found is None or sum(found[0].third_lag.values()) > lag for found in shorter)
    assert not [f for f in findings if f.severity == "error"]


@pytest.mark.parametrize("name", NETWORKS)
def test_everything_that_meets_is_of_the_same_model_step(name):
    made, _ = schedule(resolve(NETWORKS[name][0]), 62)
    model, frame = resolve(NETWORKS[name][0]), made.frame
    for c in model.connections.values():
        # A message that leaves at emit[pre] arrives, delay and frame considered, when the neuron sums.
        at = made.emit[c.pre] + 1 + made.message_delay[c.name]
        assert (at == made.arrive[c.post] + frame * made.delay[c.name]).all()
        if c.rule is None:
            continue
        # The payloads are at the axons in the first step of a frame, and the neuron works in the second.
        start, z = made.start(c.post), made.emit[c.post]
        assert start % frame == 0 and start + 1 == made.arrive[c.post]
        assert (made.emit[c.pre] + made.message_delay[c.name] == start + frame * made.delay[c.name]).all()
        assert z <= start + made.epoch - 1  # y0 and y1 are there, with z, before the trace epoch ends
        assert start < z < made.update[c.name] <= start + frame - 1
        assert made.modulate[c.name] + 1 <= made.update[c.name] + frame * made.third_lag[c.name]
        if c.rule.attention is not None:
            # Behind the trace epoch, whose x1 it overwrites, and before the weight epoch ends.
            assert start + made.epoch <= made.payload[c.name] < made.update[c.name]


def test_the_first_payloads_are_learned_from_as_they_come():
    """A population that the host's input reaches directly starts with the first frame.

    Unless what modulates it is later than that: then with the second.
    """
    made, _ = schedule(resolve(NETWORKS["two layers"][0]), 62)
    assert (made.start("hidden"), made.start("out")) == (0, made.frame)
    assert not made.message_delay["a"].any()
    made, _ = schedule(resolve(NETWORKS["novelty of the input"][0]), 62)
    assert made.start("out") == made.frame


def test_a_third_factor_lags_behind_another_learning_layer_alone():
    """What modulates the first layer comes from the second, which starts a step of the model later."""
    both = {"a": learned("x", "hidden"), "c": learned("hidden", "out")}
    made, findings = schedule(resolve(spec(both, modulators=DOUBT)), 62)
    assert made.third_lag["a"] > 0 and made.third_lag["c"] == 0
    (finding,) = (f for f in findings if f.rule == "third-factor-lag")
    assert (finding.object, finding.severity) == ("connections.a", "warning")
    assert finding.used.startswith(f"{made.third_lag['a']} ") and finding.remedy
    for name in NETWORKS:
        if name == "learned loop":
            continue
        made, findings = schedule(resolve(NETWORKS[name][0]), 62)
        assert not any(made.third_lag.values()), name
        assert "third-factor-lag" not in {f.rule for f in findings}


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_delays_are_steps_of_the_model(delay):
    """A pulse through a delayed static and a delayed plastic connection: exactly ``delay`` steps later."""
    connections = {"s": static("x", "hidden", delay=delay), "c": learned("hidden", "out", delay=delay, weights=0.25)}
    populations = {"hidden": layer(activation="relu", z_max=2.0), "out": layer(activation="relu", z_max=2.0)}
    bundle, findings = attempt(spec(connections, populations), plasticity="engine")
    assert bundle is not None, findings
    steps = 2 * delay + 8
    x = np.zeros((steps, 4))
    x[1] = 1.0
    result = Fast(bundle.network).run({"x": x, "teach": np.zeros((steps, 1))}, steps, ["hidden.z", "out.z"])
    for name, late in (("hidden.z", delay), ("out.z", 2 * delay)):
        shown = np.flatnonzero(result.raw[name].any(axis=1)) - bundle.network.latency(name)
        assert shown.tolist() == [1 + late]


def test_a_loop_that_is_too_short_is_named():
    learns = {"s": static("x", "hidden"), "c": learned("hidden", "out"), "back": learned("out", "hidden", delay=1)}
    made, findings = schedule(resolve(spec(learns)), 62)
    longer = {f.object for f in findings if f.rule == "loop-latency"}
    for name in ("c", "back"):
        asked = learns[name].get("delay", 0)
        assert (int(made.delay[name].max()) > asked) == (f"connections.{name}.delay" in longer)
    assert longer  # two populations start at frames of their own: one turn takes two steps


def test_a_delay_beyond_the_chips_is_an_error():
    made, findings = schedule(resolve(spec(ONE | {"c": learned("hidden", "out", delay=17)})), 62)
    (finding,) = (f for f in findings if f.rule == "max-delay")
    assert (finding.object, finding.severity) == ("connections.c.delay", "error")
    assert finding.used > finding.limit == 62
    assert str(made.frame) in finding.remedy
