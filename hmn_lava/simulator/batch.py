"""Many independent runs of one network at once: samples, parameter sets, the pairs of a two-point search.

Each run begins from the initial state. A thread takes one run after the other, with memory and calls that are laid out
once, so that a run costs little more than its steps; no bit depends on who ran what.
"""

from __future__ import annotations

import queue
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.memory import refuse_above_memory
from hmn_lava.network import IntegerNetwork
from hmn_lava.simulator.fast import Fast
from hmn_lava.simulator.probes import Probe
from hmn_lava.simulator.result import Result
from hmn_lava.threads import thread_number

Inputs = Mapping[str, ArrayLike]
Parameters = Mapping[str, ArrayLike]


def run_batch(
    network: IntegerNetwork,
    inputs: Inputs | Sequence[Inputs] | None = None,
    steps: int | None = None,
    probes: Iterable[Probe | str] = (),
    parameters: Sequence[Parameters] | None = None,
    *,
    outputs: bool = True,
    threads: int | None = None,
) -> list[Result]:
    """Run a network once for each sample or parameter set, on the fast executor; the results in their order.

    ``inputs``: one mapping for each run, or one mapping of arrays (batch, steps, size); an array (steps, size) serves
    all runs. ``parameters``: for each run the integers of constants and initial states that it does not take from the
    network, named ``GROUP/CONSTANT`` or ``GROUP/STATE`` (``SYNAPSES/weights`` for synapses of the learning engine), one
    value or one for each compartment. ``steps``, ``probes`` and ``outputs`` as in
    :meth:`hmn_lava.simulator.interface.Session.run`. ``threads``: at most as many run at a time (None: as many as there
    are processors). Raises InputError where a single run would, where the numbers of runs differ, and for a parameter
    that is unknown, of a wrong shape, or outside the range that the programs are proven for.
    """
    known = [probes] if isinstance(probes, str) else list(probes)
    samples = _samples(inputs)
    if parameters is not None and not (
        isinstance(parameters, Sequence) and all(isinstance(one, Mapping) for one in parameters)
    ):
        remedy = "give a list with integers by name for each run"
        raise InputError("not a list of parameters", field="parameters", value=type(parameters).__name__, remedy=remedy)
    size = _size(samples, parameters)
    sets = [_checked(network, n, values) for n, values in enumerate(parameters or [{}] * size)]
    drives = samples if isinstance(samples, list) else [_sample(samples, n) for n in range(size)]
    workers = max(1, min(thread_number(threads), size))
    idle: queue.SimpleQueue[Fast] = queue.SimpleQueue()
    for _ in range(workers):
        idle.put(Fast(network, threads=1))

    def one(n: int) -> Result:
        session = idle.get()
        try:
            session.restart(sets[n])
            result = session.run(drives[n], steps, known, outputs)
        except InputError as error:
            where = f"run {n} of the batch"
            raise InputError(
                error.problem, where=where, field=error.field, value=error.value, remedy=error.remedy
            ) from None
        finally:
            idle.put(session)
        refuse_above_memory(
            size * sum(array.nbytes for array in result.raw.values()),
            field="probes",
            value=f"{size} runs",
            remedy="record less, in windows or with a stride, or run fewer at once",
        )
        return result

    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(one, range(size)))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # the runs that have not begun
            raise


def stacked(results: Sequence[Result]) -> Result:
    """The results of a batch as one, whose arrays have a first axis for the runs. Raises InputError if there are none.

    ``steps`` are those of one run.
    """
    if not results:
        raise InputError("a batch of no runs", field="inputs", remedy="give one sample or more")
    raw = {name: np.stack([result.raw[name] for result in results]) for name in results[0].raw}
    return replace(results[0], raw=raw)


def _samples(inputs: Inputs | Sequence[Inputs] | None) -> dict[str, NDArray[Any]] | list[Inputs]:
    """A list with the inputs of each run, or all arrays by name."""
    if isinstance(inputs, Sequence) and all(isinstance(one, Mapping) for one in inputs):
        return list(inputs)
    if inputs is not None and not isinstance(inputs, Mapping):
        remedy = "give arrays by name, or a list with arrays by name for each run"
        raise InputError("not the inputs of a batch", field="inputs", value=type(inputs).__name__, remedy=remedy)
    try:
        return {name: np.asarray(values, np.float64) for name, values in (inputs or {}).items()}
    except (TypeError, ValueError):
        raise InputError("not numbers", field="inputs", remedy="pass real numbers of one shape for each name") from None


def _sample(arrays: Mapping[str, NDArray[Any]], n: int) -> Inputs:
    return {name: array[n] if array.ndim == 3 else array for name, array in arrays.items()}


def _size(samples: dict[str, NDArray[Any]] | list[Inputs], parameters: Sequence[Parameters] | None) -> int:
    """The number of runs, on which all that is given must agree."""
    found = {} if parameters is None else {"parameters": len(parameters)}
    if isinstance(samples, list):
        found["inputs"] = len(samples)
    else:
        found |= {f"inputs.{name}": len(array) for name, array in samples.items() if array.ndim == 3}
    if not found:
        remedy = "give inputs of shape (batch, steps, size), a list of inputs, or a list of parameters"
        raise InputError("how many runs?", field="inputs", remedy=remedy)
    first = next(iter(found))
    for name, size in found.items():
        if size != found[first]:
            remedy = f"give {found[first]}, as {first} has"
            raise InputError("the numbers of runs differ", field=name, value=size, remedy=remedy)
    return found[first]


def _checked(network: IntegerNetwork, number: int, parameters: Parameters) -> dict[str, NDArray[np.int64]]:
    """A run's parameters, as integers in the shape that they have in the network, or of one element."""
    found = {}
    known = parameter_ranges(network)
    for name, given in parameters.items():
        field = f"parameters[{number}].{name}"
        if name not in known:
            shown = ", ".join(list(known)[:20]) + (", ..." if len(known) > 20 else "")
            raise InputError("no such parameter", field=field, value=name, remedy=f"one of: {shown or 'none'}")
        size, low, high, step = known[name]
        try:
            values = np.asarray(given)
            whole = values.dtype.kind in "biu" or (
                values.dtype.kind == "f" and bool(np.all(np.isfinite(values) & (values == np.rint(values))))
            )
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise InputError("not whole numbers", field=field, remedy="quantise it: a bundle computes in integers")
        if values.size not in (1, size):
            raise InputError("wrong size", field=field, value=values.size, remedy=f"give 1 value, or {size}")
        wrong = values[(values < low) | (values > high) | (values % step != 0)]
        if wrong.size:
            remedy = f"stay within {low} to {high}{f', in steps of {step}' if step > 1 else ''}"
            raise InputError("outside its range", field=field, value=int(wrong.flat[0]), remedy=remedy)
        found[name] = values.astype(np.int64).ravel()
    return found


def parameter_ranges(network: IntegerNetwork) -> dict[str, tuple[int, int, int, int]]:
    """What a run of a batch may set: the number of its values, the least and the largest integer, and their step."""
    found = {}
    for group in network.groups.values():
        for constant in group.program.constants:
            size = group.constants[constant.name].values.size
            found[f"{group.name}/{constant.name}"] = (size, constant.low, constant.high, 1)
        for state in group.program.states:
            found[f"{group.name}/{state.name}"] = (group.size, state.low, state.high, 1)
    for synapses in network.learning.values():
        for variable in synapses.initial:
            levels = synapses.engine.levels(variable, synapses.sign_mode)
            found[f"{synapses.name}/{variable}"] = (synapses.size, levels.low, levels.high, levels.step)
    return found
