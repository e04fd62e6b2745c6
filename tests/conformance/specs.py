"""Random specs: sizes, switches, formats, delays, topologies, loops and seeds, all legal, as hypothesis strategies."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hmn_lava.spec import spec_from_dict

SMALL = st.integers(1, 6)


def rounded(low: float, high: float) -> st.SearchStrategy[float]:
    """Reals of few digits, so that a failing example reads well."""
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 4))


@st.composite
def populations(draw: Any) -> dict[str, Any]:
    """An input, its host-driven modulators, and one or two layers."""
    signal = draw(st.sampled_from(["graded", "graded", "spike"]))
    found: dict[str, Any] = {
        "x": {"type": "input", "size": draw(SMALL), "signal": signal},
        "teach": {"type": "input", "size": 1, "signal": "graded", "range": [-1, 1]},
    }
    if signal == "graded":
        found["x"]["range"] = draw(
            st.sampled_from([[0.0, 1.0], [0.0, 0.3], [-1.0, 1.0], [-1.0, 4.0], [0.5, 2.0], [-3.0, -1.0], [0, 1000.0]])
        )
    for name in ("hidden", "out")[draw(st.integers(0, 1)) :]:
        found[name] = draw(layer())
    return found


@st.composite
def layer(draw: Any) -> dict[str, Any]:
    """A population of any kind."""
    if draw(st.integers(0, 4)) == 0:
        return {"type": "lif", "size": draw(SMALL), **draw(lif()), "bias": draw(rounded(-0.1, 0.2))}
    activation = draw(st.sampled_from(["relu", "sigmoid", "lif"]))
    record: dict[str, Any] = {"type": "hmn", "size": draw(SMALL), "activation": activation}
    if activation == "lif":
        record["lif"] = draw(lif())
    if activation == "relu":
        record["z_max"] = draw(st.sampled_from([1.0, 8.0, 3.5]))
    record["bias"] = draw(st.one_of(st.just(0.0), rounded(-0.5, 0.5)))
    record["noise"] = draw(st.sampled_from([0.0, 0.0, 0.1, 1.0]))
    record["competition"] = draw(
        st.one_of(
            st.just("none"),
            st.just("none"),
            st.just("winner_take_all"),
            st.fixed_dictionaries({"type": st.just("sample"), "temperature": rounded(0.05, 2.0)}),
        )
    )
    return record


def lif() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"du": rounded(0.01, 1.0), "dv": rounded(0.0, 1.0), "vth": rounded(0.1, 2.0)})


@st.composite
def rules(draw: Any, modulators: list[str], attended: int) -> dict[str, Any]:
    """The plastic part of a connection."""
    fast = draw(rounded(0.5, 20.0))
    record: dict[str, Any] = {
        "type": "hmn",
        "bounds": draw(st.sampled_from([[-1.0, 1.0], [0.0, 1.0], [-4.0, 2.0], [-0.3, 0.3]])),
        "traces": {
            "tau_fast": fast,
            "tau_slow": draw(st.one_of(st.none(), st.just(round(fast * draw(rounded(1.5, 30.0)), 4)))),
            "mode": draw(st.sampled_from(["replacing", "accumulating"])),
        },
        "rates": {"local": draw(st.sampled_from([0.0, 0.02, 0.5])), "global": draw(st.sampled_from([0.1, 1.0, 3.0]))},
        "modulators": draw(st.lists(st.sampled_from(modulators), unique=True)),
        "learning": draw(st.sampled_from([True, True, True, True, False])),
    }
    if draw(st.booleans()):
        dimensions = draw(st.integers(1, 3))
        random = {"init": "normal", "std": 1.0}
        record["attention"] = {
            "beta": draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
            "dimensions": dimensions,
            "embedding": draw(st.sampled_from([1.0, random])),
            "key": draw(st.sampled_from([1.0, random])),
            "context_rate": draw(st.sampled_from([1.0, 0.1, 0.01])),
        }
    if draw(st.booleans()):
        phase = draw(st.one_of(rounded(-7.0, 7.0), st.just({"init": "uniform", "low": -3.0, "high": 9.0})))
        record["phase_gate"] = {"oscillator": "theta", "phase": phase}
    if draw(st.booleans()):
        record["probabilistic_gate"] = {
            "beta": draw(st.sampled_from([1.0, 50.0, 1000.0])),
            "threshold": draw(st.sampled_from([0.0, 0.001, 0.1])),
        }
    return record


@st.composite
def spec_dicts(draw: Any) -> dict[str, Any]:
    """A whole spec as a dictionary."""
    found = draw(populations())
    layers = [name for name in found if name not in ("x", "teach")]
    chain = ["x", *layers]
    modulators: dict[str, Any] = {"teacher": {"type": "input", "source": "teach", "weight": draw(rounded(-1.0, 1.0))}}
    if draw(st.booleans()):
        modulators["rpe"] = {
            "type": "reward",
            "source": "teach",
            "mean_rate": draw(st.sampled_from([0.5, 0.05])),
            "on": draw(st.sampled_from(["every_step", "delivery"])),
        }
    if draw(st.booleans()):
        modulators["doubt"] = {"type": "uncertainty", "source": layers[-1], "weight": draw(rounded(-0.5, 0.5))}
    if draw(st.booleans()):
        modulators["new"] = {"type": "novelty", "source": "x", "mean_rate": 0.1, "weight": draw(rounded(-0.5, 0.5))}
    attended = draw(st.integers(0, 2))
    attention = None
    if attended:
        for modulator in modulators.values():
            modulator["key"] = [draw(rounded(-1.0, 1.0)) for _ in range(attended)]
        attention = {
            "beta": draw(st.sampled_from([0.0, 1.0, 2.0])),
            "dimensions": attended,
            "rate": 0.2,
            "context": layers[-1],
            "key": draw(st.sampled_from([1.0, {"init": "normal", "std": 1.0}])),
        }
        if draw(st.booleans()):  # the host says what the context is
            found["where"] = {"type": "input", "size": attended, "signal": "graded", "range": [-1, 1]}
            attention = {key: value for key, value in attention.items() if key != "key"} | {"context": "where"}
    connections: dict[str, Any] = {}
    pairs = list(pairwise(chain))
    if draw(st.booleans()):
        pairs.append((layers[-1], layers[0]))  # a loop
    if draw(st.booleans()):
        pairs.append(("x", layers[-1]))
    plastic = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)).filter(any))
    for number, ((source, target), learns) in enumerate(zip(pairs, plastic, strict=True)):
        loop = chain.index(source) >= chain.index(target)
        size = (found[target]["size"], found[source]["size"])
        record: dict[str, Any] = draw(rules(list(modulators), attended)) if learns else {"type": "static"}
        reach = 0.25 if learns else draw(st.sampled_from([0.3, 2.0]))
        low = 0.0 if learns and record["bounds"][0] == 0.0 else -reach
        record |= {"source": source, "target": target, "weights": {"init": "uniform", "low": low, "high": reach}}
        delays = st.integers(int(loop), 4)
        uneven = st.lists(st.lists(delays, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
        record["delay"] = draw(st.one_of(delays, uneven))
        if size[0] * size[1] >= 16 and not isinstance(record["delay"], list):
            record["topology"] = draw(st.sampled_from(["dense", "dense", {"density": 0.6}]))
        connections[f"c{number}"] = record
    formats = {}
    for name, record in connections.items():
        if record["type"] == "hmn" and draw(st.integers(0, 3)) == 0:
            formats[f"{name}.w"] = draw(st.integers(8, 20))
            if record["learning"]:
                formats[f"{name}.psi_fast"] = draw(st.integers(6, 20))
    spec: dict[str, Any] = {
        "hmn_lava": 1,
        "name": "random",
        "populations": found,
        "connections": connections,
        "modulators": modulators,
        "oscillators": {
            "theta": {
                "period": draw(st.sampled_from([2.0, 16.0, 12.5, 1000.0, 1.0])),
                "phase": draw(rounded(-4.0, 4.0)),
            }
        },
        "formats": formats,
    }
    if attention is not None:
        spec["global_attention"] = attention
    return spec


@st.composite
def engine_spec_dicts(draw: Any) -> dict[str, Any]:
    """A spec that the learning engine can hold: no activity below zero, one delay, two rules for a neuron."""
    spec = draw(spec_dicts())
    populations, connections = spec["populations"], spec["connections"]
    if populations["x"].get("range", [0])[0] < 0:
        populations["x"]["range"] = draw(st.sampled_from([[0.0, 1.0], [0.0, 0.3], [0, 1000.0], [0.5, 2.0]]))
    learning: dict[str, int] = {}
    for record in connections.values():
        if record["type"] != "hmn":
            continue
        if isinstance(record["delay"], list):
            record["delay"] = draw(st.integers(1, 2))
        learning[record["target"]] = learning.get(record["target"], 0) + int(record["learning"])
        if learning[record["target"]] > 2:
            record["learning"] = False
        if "probabilistic_gate" in record:
            choices = ["rounding", "neuron", *([] if "attention" in record else ["staircase"])]
            record["probabilistic_gate"]["on_engine"] = draw(st.sampled_from(choices))
    return dict(spec)


@st.composite
def hebbian_spec_dicts(draw: Any) -> dict[str, Any]:
    """The same with two hebbian connections onto static LIFs: one of its own, one where an HMN rule may learn too."""
    spec = draw(engine_spec_dicts())
    populations, connections = spec["populations"], spec["connections"]
    own: dict[str, Any] = {"type": "lif", "size": draw(SMALL), "du": draw(rounded(0.1, 1.0)), "dv": 0.3}
    if draw(st.integers(0, 2)):
        own |= {"refractory": draw(st.integers(0, 2)), "reset": draw(st.sampled_from(["value", "subtract"]))}
    else:
        own |= {"output": "voltage", "z_max": draw(st.sampled_from([1.0, 8.0]))}
    populations["volts"] = own
    weights = {"init": "uniform", "low": -1.0, "high": 1.0}
    connections["drive"] = {"type": "static", "source": "x", "target": "volts", "weights": weights}
    targets = ["volts", *(name for name, p in populations.items() if p["type"] == "lif" and name != "volts")]
    sources = [name for name in populations if name != "teach"]
    for number, target in enumerate([targets[0], draw(st.sampled_from(targets))]):
        source = draw(st.sampled_from(sources))
        bounds = draw(st.sampled_from([[-1.0, 1.0], [0.0, 0.5], [-2.0, 0.0], [-0.3, 0.7]]))
        connections[f"h{number}"] = {
            "type": "hebbian",
            "source": source,
            "target": target,
            "weights": {"init": "uniform", "low": bounds[0], "high": bounds[1]},
            "bounds": bounds,
            "rate": draw(st.sampled_from([0.0, 0.003, 0.1, 1.0])),
            "offset": draw(st.sampled_from([0.0, 0.5, -0.2, -1.0])),
            "tau_w": draw(st.sampled_from([None, 2.0, 30.0, 1000.0])),
            "full": draw(st.sampled_from([0.1, 1.0, 5.0])),
            "delay": 0 if source == "x" else draw(st.integers(1, 2)),
            "learning": draw(st.sampled_from([True, True, True, False])),
        }
    return dict(spec)


def random_inputs(network: Any, steps: int, seed: int) -> dict[str, Any]:
    """Input that is silent at some steps, anywhere in its range at others, and already on the integer grid."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for name, source in network.inputs.items():
        integers = rng.integers(source.low, source.high + 1, (steps, source.size))
        silent = rng.random((steps, source.size)) < 0.5
        inputs[name] = source.format.real(np.where(silent & (source.low <= 0 <= source.high), 0, integers))
    return inputs


def parse(data: dict[str, Any]) -> Any:
    """The spec of a dictionary."""
    return spec_from_dict(data)
