"""Components, and Lava's own processes, in Lava's runtime: what the tests of several files run in the child.

A job names a function of this file and its arguments. Jobs go to the child, and what they give comes back, as a pickle.
"""

from __future__ import annotations

import doctest
import importlib
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))

from lava_child import in_lava, run, sink, source  # noqa: E402 - beside this file

LEARNING_VARS = (
    "weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3", "a_buff",
)  # fmt: skip


def results_in_lava(jobs: list[dict[str, Any]], timeout: float = 240) -> list[Any]:
    """What the functions return, all in one child."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given")
        given.write_bytes(pickle.dumps(jobs))
        found = in_lava(__file__, "results", str(given), timeout=timeout)
    results_: list[Any] = pickle.loads(found["pickle"].tobytes())
    return results_


# What follows runs in the child.


def results(given: str) -> dict[str, np.ndarray]:
    """Do the jobs."""
    found = []
    for job in pickle.loads(Path(given).read_bytes()):
        function = globals()[job.pop("function")]
        found.append(function(**job))
    return {"pickle": np.frombuffer(pickle.dumps(found), np.uint8)}


def component(
    module: str,
    process: str,
    keywords: dict[str, Any],
    inputs: dict[str, np.ndarray],
    outputs: list[str],
    variables: list[str],
    tag: str,
    steps: int,
) -> dict[str, np.ndarray]:
    """A component alone: what it sends, and its Vars and formats at the end."""
    made = getattr(importlib.import_module(f"hmn_lava.processes.{module}.process"), process)(**keywords)
    _drive(made, inputs, tag)
    sinks = {port: sink(getattr(made, port), steps) for port in outputs}
    try:
        run(made, tag, steps)
        found = {port: kept.data.get().T for port, kept in sinks.items()}
        found |= {name: np.asarray(getattr(made, name).get()) for name in variables}
    finally:
        made.stop()
    return found | {f"{port}.format": str(format) for port, format in made.formats.items()}


def examples(modules: list[str]) -> list[tuple[int, int]]:
    """The examples in docstrings: how many there are, and how many fail."""
    found = [doctest.testmod(importlib.import_module(f"hmn_lava.processes.{module}.process")) for module in modules]
    return [(result.attempted, result.failed) for result in found]


def spsa_loop(keywords: dict[str, Any], best: list[float], tag: str, steps: int) -> dict[str, np.ndarray]:
    """The meta-learner around a quadratic, which is a Process of its own."""
    sys.path.insert(0, str(Path(__file__).parent))
    from quadratic.process import Quadratic

    from hmn_lava.processes.spsa.process import SPSA

    tuner = SPSA(**keywords)
    formats = {port: (f.frac if tag == "fixed_pt" else 0) for port, f in tuner.formats.items()}
    loss = Quadratic(best=np.array(best), eta_frac=formats["eta_out"], loss_frac=formats["loss_in"])
    tuner.eta_out.connect(loss.eta_in)
    loss.loss_out.connect(tuner.loss_in)
    try:
        run(tuner, tag, steps)
        return {name: np.asarray(getattr(tuner, name).get()) for name in ("eta", "meta_step", "place", "difference")}
    finally:
        tuner.stop()


def direct(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """LearningDense's ProcessModel alone, on a case of ``tests/learning/cases.py``, with ``a_buff`` and ``a_out``."""
    sys.path.insert(0, str(TESTS / "learning"))
    import lava_oracle

    lava_oracle.VARS, lava_oracle.SHOWN = LEARNING_VARS, (*LEARNING_VARS, "a_out")
    return lava_oracle._direct(case)


def drop_in(
    case: dict[str, Any], tag: str, recurrent: bool, weight_exp: int = 0
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Histories of LearningDense and of HMNLearningConnection in networks that differ in nothing else."""
    from lava.magma.core.learning.constants import GradedSpikeCfg
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
    from lava.proc.dense.process import LearningDense
    from lava.utils.weightutils import SignMode

    from hmn_lava.processes.learning_connection.process import HMNLearningConnection

    def keywords() -> dict[str, Any]:
        make_rule = Loihi3FLearningRule if case["factors"] == 3 else Loihi2FLearningRule
        return {
            **{name: case[name].copy() for name in ("weights", "tag_1", "tag_2")},
            "learning_rule": make_rule(**case["rule"]),
            "sign_mode": SignMode[case["sign_mode"].upper()],
            "num_message_bits": case["message_bits"],
            "graded_spike_cfg": GradedSpikeCfg(case["graded_spike_cfg"]),
            **({"weight_exp": weight_exp} if weight_exp else {}),
        }

    theirs = LearningDense(**keywords())
    ours = HMNLearningConnection(**keywords(), rounding="lava")
    histories = []
    steps = len(case["pre"])
    for process in (theirs, ours):
        if recurrent:
            neuron = _loop(process, case, tag)
        else:
            neuron = None
            sources = {"s_in": case["pre"], "s_in_bap": case["post"]}
            if case["factors"] == 3:
                sources |= {f"s_in_y{k + 1}": case["y_traces"][:, k] for k in range(3)}
            _drive(process, sources, tag)
        currents = sink(process.a_out, steps)
        kept: dict[str, list[np.ndarray]] = {name: [] for name in LEARNING_VARS}
        voltages = []
        try:
            for _ in range(steps):
                run(process, tag, 1)
                for name, values in kept.items():
                    values.append(np.array(getattr(process, name).get()))
                if neuron is not None:
                    voltages.append(np.array(neuron.v.get()))
            history = {name: np.array(values) for name, values in kept.items()}
            histories.append(history | {"a_out": currents.data.get().T, "v": np.array(voltages)})
        finally:
            process.stop()
    if tag == "fixed_pt":  # Lava's a_buff is the current after the shift, ours before
        histories[1]["a_buff"] = np.floor(histories[1]["a_buff"] * 2.0**weight_exp)
    return histories[0], histories[1]


def _loop(process: Any, case: dict[str, Any], tag: str) -> Any:
    """LIF neurons that are driven by spikes and by themselves, through the connection under test."""
    from lava.proc.dense.process import Dense
    from lava.proc.lif.process import LIF

    size = process.a_out.shape[0]
    neuron = LIF(shape=(size,), du=1000, dv=400, vth=40)
    drive = Dense(weights=np.diag(np.full(size, 60)))
    source(case["post"].astype(np.int32)).s_out.connect(drive.s_in)
    drive.a_out.connect(neuron.a_in)
    process.a_out.connect(neuron.a_in)
    neuron.s_out.connect(process.s_in)
    neuron.s_out.connect(process.s_in_bap)
    return neuron


def lavas_network(
    populations: dict[str, dict[str, Any]],
    connections: list[dict[str, Any]],
    inputs: dict[str, np.ndarray],
    steps: int,
) -> dict[str, np.ndarray]:
    """Lava's own LIF, Dense and DelayDense: u, v and spikes at every step.

    A population's bias sets in after ``hold`` steps, at least one.
    """
    from lava.proc.dense.process import DelayDense, Dense
    from lava.proc.lif.process import LIF

    bias = {name: (p.pop("hold"), p.pop("bias")) for name, p in populations.items()}
    made: dict[str, Any] = {name: LIF(**keywords) for name, keywords in populations.items()}
    made |= {name: source(values.astype(np.int32)) for name, values in inputs.items()}
    for connection in connections:
        keywords = {name: connection[name] for name in ("weights", "weight_exp", "num_message_bits")}
        delays = connection["delays"]
        dense = Dense(**keywords) if delays is None else DelayDense(**keywords, delays=delays)
        made[connection["source"]].s_out.connect(dense.s_in)
        dense.a_out.connect(made[connection["target"]].a_in)
    sinks = {name: sink(made[name].s_out, steps) for name in populations}
    first = next(iter(populations))
    kept: dict[str, list[np.ndarray]] = {f"{name}.{state}": [] for name in populations for state in ("u", "v")}
    try:
        for step in range(steps):
            for name, (hold, mantissas) in bias.items():
                if step == hold and mantissas is not None:
                    made[name].bias_mant.set(mantissas)
            run(made[first], "fixed_pt", 1)
            for key, values in kept.items():
                name, _, state = key.rpartition(".")
                values.append(np.array(getattr(made[name], state).get()))
        spikes = {f"{name}.z": kept_.data.get().T for name, kept_ in sinks.items()}
    finally:
        made[first].stop()
    return {key: np.array(values) for key, values in kept.items()} | spikes


def _drive(process: Any, inputs: dict[str, np.ndarray], tag: str) -> None:
    for port, values in inputs.items():
        source(values.astype(np.int32 if tag == "fixed_pt" else float)).s_out.connect(getattr(process, port))
