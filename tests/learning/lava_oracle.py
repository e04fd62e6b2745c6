"""What Lava itself computes: LearningDense and LearningSparse in fixed point, in a child process that can be killed.

Lava must be imported first in its process (it sets the multiprocessing start method), and its ``run()`` waits for ever
when a ProcessModel raises. Hence one child runs many cases, under a time limit. It drives a case in one of two ways:

* ``runtime``: Lava's own: Processes, compiler, runtime, channels, and every Var read back after each step.
* ``direct``: the ProcessModel alone, with stand-ins for its ports, called as the runtime calls it. A thousand times
  faster; ``test_lava_equality.py`` holds it against the runtime.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

HAS_LAVA = importlib.util.find_spec("lava") is not None
needs_lava = pytest.mark.skipif(not HAS_LAVA, reason="lava-nc is not installed (it needs Python 3.10)")

VARS = ("weights", "tag_1", "tag_2", "x0", "tx", "x1", "x2", "y0", "ty", "y1", "y2", "y3")
SHOWN = (*VARS, "a_out")
Arrays = dict[str, np.ndarray]


def run_lava(cases: list[dict[str, Any]], drive: Literal["direct", "runtime"], timeout: float = 300) -> list[Arrays]:
    """Histories of all Vars after each step and of what it sent through ``a_out``, for each case (see ``cases.py``).

    Raises if the child fails or takes longer than ``timeout`` s.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "given.npz"), Path(folder, "found.npz")
        arrays = {
            f"{n}.{name}": value
            for n, case in enumerate(cases)
            for name, value in case.items()
            if isinstance(value, np.ndarray)
        }
        plain = [{name: value for name, value in case.items() if not isinstance(value, np.ndarray)} for case in cases]
        np.savez(given, plain=json.dumps(plain), **arrays)
        command = [sys.executable, "-W", "ignore", __file__, drive, str(given), str(found)]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
        )
        try:
            output, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            output = f"Lava took longer than {timeout} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if not found.exists():
            raise RuntimeError(output[-2000:])
        with np.load(found) as results:
            return [{name: results[f"{n}.{name}"] for name in SHOWN} for n in range(len(cases))]


# What follows runs in the child.


def _process(case: dict[str, Any]) -> Any:
    """The Lava connection process of a case."""
    from lava.magma.core.learning.constants import GradedSpikeCfg
    from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
    from lava.proc.dense.process import LearningDense
    from lava.proc.sparse.process import LearningSparse
    from lava.utils.weightutils import SignMode

    make_rule = Loihi3FLearningRule if case["factors"] == 3 else Loihi2FLearningRule
    make = LearningSparse if case["sparse"] else LearningDense
    matrices = {name: _matrix(case, name) for name in ("weights", "tag_1", "tag_2")}
    return make(
        **matrices,
        learning_rule=make_rule(**case["rule"]),
        sign_mode=SignMode[case["sign_mode"].upper()],
        num_message_bits=case["message_bits"],
        graded_spike_cfg=GradedSpikeCfg(case["graded_spike_cfg"]),
    )


def _matrix(case: dict[str, Any], name: str) -> Any:
    if not case["sparse"]:
        return case[name]
    from scipy.sparse import csr_matrix

    row, col = np.nonzero(case[f"stored_{name}"])
    return csr_matrix((case[name][row, col], (row, col)), shape=case[name].shape)


def _dense(value: Any) -> np.ndarray:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value).astype(np.int64)


class _Port:
    """Stands in for a port: hands out what was put in, keeps what was sent last."""

    def __init__(self) -> None:
        self.value: Any = None

    def recv(self) -> Any:
        return self.value.copy()

    def send(self, value: Any) -> None:
        self.value = np.array(value)


def _direct(case: dict[str, Any]) -> Arrays:
    from lava.proc.dense.models import PyLearningDenseModelBitApproximate
    from lava.proc.sparse.models import PyLearningSparseModelBitApproximate

    process = _process(case)
    model = (PyLearningSparseModelBitApproximate if case["sparse"] else PyLearningDenseModelBitApproximate)(
        process.proc_params
    )
    for name in VARS:
        var = getattr(process, name)
        declared = getattr(type(model), name)
        if hasattr(
            var.init, "toarray"
        ):  # as Lava's builder does: sparse matrices as they are, arrays in the declared type
            value = var.init
        else:
            value = np.zeros(var.shape, declared.d_type)
            value[:] = var.init
        setattr(model, name, value)
    model.num_message_bits = np.array([case["message_bits"]])
    model.a_buff = np.zeros(process.a_out.shape, np.int32)
    ports = {name: _Port() for name in ("s_in", "s_in_bap", "s_in_y1", "s_in_y2", "s_in_y3", "a_out")}
    for name, port in ports.items():
        setattr(model, name, port)
    kept = []
    for t in range(len(case["pre"])):
        model.time_step = t + 1
        ports["s_in"].value = case["pre"][t].astype(np.int32)
        ports["s_in_bap"].value = case["post"][t].astype(np.int32)
        for k in range(3):
            ports[f"s_in_y{k + 1}"].value = case["y_traces"][t, k].astype(np.int32)
        model.run_spk()
        if model.lrn_guard():
            model.run_lrn()
        kept.append({name: _dense(getattr(model, name)) for name in VARS} | {"a_out": _dense(ports["a_out"].value)})
    return {name: np.array([entry[name] for entry in kept]) for name in SHOWN}


def _runtime(case: dict[str, Any]) -> Arrays:
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer

    process, steps = _process(case), len(case["pre"])
    sources = {"s_in": case["pre"], "s_in_bap": case["post"]}
    if case["factors"] == 3:
        sources |= {f"s_in_y{k + 1}": case["y_traces"][:, k] for k in range(3)}
    for name, values in sources.items():
        RingBuffer(data=values.T.astype(np.int32)).s_out.connect(getattr(process, name))
    sink = Sink(shape=process.a_out.shape, buffer=steps)
    process.a_out.connect(sink.a_in)
    kept = []
    try:
        for _ in range(steps):
            process.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            kept.append({name: _dense(getattr(process, name).get()) for name in VARS})
        sent = sink.data.get().T.astype(np.int64)
    finally:
        process.stop()
    return {name: np.array([entry[name] for entry in kept]) for name in VARS} | {"a_out": sent}


def _main(drive: str, given: str, found: str) -> None:
    with np.load(given) as file:
        cases = json.loads(str(file["plain"]))
        for key in set(file.files) - {"plain"}:
            number, _, name = key.partition(".")
            cases[int(number)][name] = file[key]
    results = {}
    for n, case in enumerate(cases):
        history = (_direct if drive == "direct" else _runtime)(case)
        results |= {f"{n}.{name}": history[name] for name in SHOWN}
    np.savez(found, **results)


if __name__ == "__main__":
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    _main(*sys.argv[1:])
