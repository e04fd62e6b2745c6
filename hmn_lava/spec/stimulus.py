"""What a spec feeds to its inputs where the caller gives nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import InputError
from hmn_lava.memory import refuse_above_memory
from hmn_lava.spec.fields import MAX_SYNAPSES
from hmn_lava.spec.initialise import generator
from hmn_lava.spec.npz import NpzError, read_npz
from hmn_lava.spec.problems import Problem
from hmn_lava.spec.records import BernoulliStimulus, ConstantStimulus, InputPopulation, NpzStimulus, Spec


def stimulus_inputs(spec: Spec, steps: int, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Make the values of every input population: population -> (steps, size).

    An input without a stimulus is 0, or as near to 0 as its range allows. Random stimuli are drawn from streams named
    by ``seed`` and the population. Raises InputError where a file does not fit.
    """
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise InputError(
            "must be a whole number from 1", field="steps", value=steps, remedy="use a positive number of steps"
        )
    values = steps * sum(p.size for p in spec.populations.values() if isinstance(p, InputPopulation))
    refuse_above_memory(24 * values, field="steps", value=steps, remedy="use fewer steps")
    found = {}
    for name, population in spec.populations.items():
        if not isinstance(population, InputPopulation):
            continue
        field, shape = f"stimulus.{name}", (int(steps), population.size)
        if shape[0] * shape[1] > MAX_SYNAPSES:
            raise Problem(
                field, f"{shape[0]} steps of {shape[1]} neurons are too many values", "use fewer steps"
            ).error(spec.file)
        stimulus = spec.stimulus.get(name)
        low, high = population.range
        if isinstance(stimulus, BernoulliStimulus):
            found[name] = stimulus.value * (generator(seed, field).random(shape) < stimulus.rate)
        elif isinstance(stimulus, ConstantStimulus):
            found[name] = np.full(shape, stimulus.value)
        elif isinstance(stimulus, NpzStimulus):
            found[name] = _read(spec, stimulus, population, field, shape)
        else:
            found[name] = np.full(shape, min(max(0.0, low), high))
    return found


def _read(
    spec: Spec, stimulus: NpzStimulus, population: InputPopulation, field: str, shape: tuple[int, int]
) -> NDArray[np.float64]:
    try:
        array = read_npz(spec.folder, stimulus.file, stimulus.key)
    except NpzError as error:
        raise error.at(field).error(spec.file) from None
    if array.ndim != 2 or array.shape[1] != shape[1]:
        problem = f"has shape {array.shape}, needs (steps, {shape[1]})"
        raise Problem(field, problem, f"save an array of {shape[1]} columns").error(spec.file)
    if array.shape[0] < shape[0]:
        problem = f"has {array.shape[0]} steps, {shape[0]} are asked for"
        raise Problem(field, problem, f"ask for {array.shape[0]} steps at most").error(spec.file)
    values = array[: shape[0]].astype(np.float64)
    low, high = population.range
    wrong = (values < low) | (values > high)
    if population.signal == "spike":
        wrong |= (values != 0) & (values != 1)
    if wrong.any():
        allowed = "0 or 1" if population.signal == "spike" else f"[{low:g}, {high:g}]"
        problem = f"has a value outside {allowed}"
        raise Problem(field, problem, "scale the values, or widen range", float(values[wrong][0])).error(spec.file)
    return values
