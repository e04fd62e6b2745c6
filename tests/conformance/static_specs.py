"""Random specs of static networks: every neuron, window and format of them, as hypothesis strategies."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st


def rounded(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 4))


@st.composite
def constants(draw: Any, size: int, low: float, high: float) -> Any:
    """One number, or one for each neuron."""
    if draw(st.booleans()):
        return draw(rounded(low, high))
    return [draw(rounded(low, high)) for _ in range(size)]


@st.composite
def neurons(draw: Any, size: int) -> dict[str, Any]:
    """A population of any kind of static networks."""
    kind = draw(st.sampled_from(["lif", "lif", "lif", "sigma_delta", "sigma_delta", "resonator"]))
    found: dict[str, Any] = {"type": kind, "size": size}
    if kind == "lif":
        found |= {"du": draw(constants(size, 0.0, 1.0)), "dv": draw(constants(size, 0.0, 1.0))}
        found["bias"] = draw(constants(size, -0.2, 0.3))
        if draw(st.integers(0, 3)) == 0:
            found |= {"output": "voltage", "z_max": draw(rounded(0.5, 4.0))}
        else:
            found |= {"vth": draw(constants(size, 0.1, 1.0)), "refractory": draw(st.sampled_from([0, 0, 1, 3]))}
            reset = draw(st.sampled_from(["zero", "value", "subtract"]))
            if reset == "value":
                found["v_reset"] = draw(constants(size, -0.5, 0.1))
            elif reset == "subtract":
                found["reset"] = "subtract"
    elif kind == "sigma_delta":
        found |= {"sum": draw(st.booleans()), "difference": draw(st.booleans())}
        found |= {"activation": draw(st.sampled_from(["relu", "unit"])), "bias": draw(constants(size, -0.2, 0.3))}
        found["z_max"] = draw(st.sampled_from([1.0, 8.0]))
        if found["difference"]:
            found["vth"] = draw(constants(size, 0.0, 0.3))
    else:
        found |= {"decay_re": draw(constants(size, -0.9, 0.9)), "decay_im": draw(constants(size, -0.4, 0.4))}
        found |= {"vth": draw(constants(size, 0.1, 0.8)), "spike": draw(st.sampled_from(["phase", "izhikevich"]))}
    if draw(st.integers(0, 2)) == 0:
        every = draw(st.integers(1, 9))
        found["restart"] = {"every": every, "at": draw(st.integers(0, every - 1))}
    return found


@st.composite
def windows(draw: Any, shape: tuple[int, ...]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """A convolution or a pool over an input of ``shape``, and the shape of its output."""
    sides = len(shape) - 1
    kernel = [draw(st.integers(1, min(3, n))) for n in shape[1:]]
    stride = [draw(st.integers(1, 2)) for _ in range(sides)]
    padding = [draw(st.integers(0, min(1, k - 1))) for k in kernel]
    found: dict[str, Any] = {"input_shape": list(shape), "stride": stride, "padding": padding}
    dilation, out = [1] * sides, shape[0]
    if draw(st.booleans()):
        found |= {"type": "pool", "kernel": kernel, "weight": draw(rounded(0.1, 1.0))}
    else:
        dilation = [
            draw(st.integers(1, 2)) if k == 1 or 2 * (k - 1) < n else 1 for k, n in zip(kernel, shape[1:], strict=True)
        ]
        groups = draw(st.sampled_from([g for g in (1, 2) if shape[0] % g == 0]))
        out = groups * draw(st.integers(1, 2))
        weights = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(out, shape[0] // groups, *kernel))
        found |= {"type": "conv", "weights": weights.round(3), "dilation": dilation, "groups": groups}
    places = zip(shape[1:], kernel, stride, padding, dilation, strict=True)
    return found, (out, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in places))


@st.composite
def static_spec_dicts(draw: Any) -> dict[str, Any]:
    """An input, up to three layers of any kind, delays, a loop, and formats that are given in full."""
    shape: tuple[int, ...] = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    signal = draw(st.sampled_from(["graded", "spike"]))
    populations: dict[str, Any] = {"x": {"type": "input", "size": int(np.prod(shape)), "signal": signal}}
    if signal == "graded":
        populations["x"]["range"] = draw(st.sampled_from([[0.0, 1.0], [-1.0, 1.0]]))
    connections: dict[str, Any] = {}
    formats: dict[str, Any] = {}
    last = "x"
    for number in range(draw(st.integers(1, 3))):
        name = f"p{number}"
        kind = draw(st.sampled_from(["window", "window", "dense", "one_to_one"]))
        delay = draw(st.integers(0, 3))
        if kind == "window":
            record, shape = draw(windows(shape))
            size = int(np.prod(shape))
            record["delay"] = [draw(st.integers(0, 3)) for _ in range(shape[0])] if draw(st.booleans()) else delay
        else:
            size = populations[last]["size"] if kind == "one_to_one" else draw(st.integers(1, 6))
            shape = shape if kind == "one_to_one" else (size, 1)
            weights = draw(rounded(-1.0, 1.0)) if kind == "one_to_one" else {"init": "normal", "std": 0.5}
            record = {"type": "static", "weights": weights, "delay": delay, "topology": kind}
        if record["type"] != "pool" and draw(st.booleans()):
            record["scale"] = "channel"
        populations[name] = draw(neurons(size))
        connections[f"c{number}"] = {**record, "source": last, "target": name}
        if populations[name]["type"] == "resonator":
            connections[f"i{number}"] = {**record, "source": last, "target": name, "component": "imaginary"}
        if draw(st.integers(0, 3)) == 0:
            formats[f"{name}.a"] = draw(st.sampled_from(["s24.6", "s24.12", 20]))
        last = name
    if draw(st.booleans()):
        loop = {"type": "static", "source": last, "target": last, "weights": -0.2, "topology": "one_to_one", "delay": 1}
        connections["loop"] = loop
    return {
        "hmn_lava": 1,
        "name": "random",
        "populations": populations,
        "connections": connections,
        "formats": formats,
        "restart": draw(st.sampled_from([None, None, {"every": 5, "at": 2}])),
    }
