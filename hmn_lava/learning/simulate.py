"""One learning rule alone, without a network: spikes in, the history of every variable back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Integers
from hmn_lava.hardware_profiles import Profile, load_profile
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import LAVA, SIGN_MODES, Engine
from hmn_lava.learning.records import TRACES, Y_TRACES
from hmn_lava.learning.rounding import ElementRounding, LavaRounding, Rounding
from hmn_lava.learning.rule import LearningRule

SYNAPTIC = ("weights", "tag_1", "tag_2")
DEFAULT_PROFILE = "loihi2"


@dataclass(frozen=True)
class LearningHistory:
    """Every variable of a plastic connection, under the names of Lava's Vars.

    With the history recorded, the first axis is time and entry t holds the values after step t; with the final values
    alone there is no such axis. ``weights``, ``tag_1``, ``tag_2``: (n_post, n_pre); ``x0``, ``tx``, ``x1``, ``x2``:
    (n_pre,); ``y0``, ``ty``, ``y1``, ``y2``, ``y3``: (n_post,). Where there is no synapse the matrices are 0. ``tx``
    and ``ty`` are the moments of the last spike within the running epoch, 0 for none.
    """

    weights: NDArray[np.int32]
    tag_1: NDArray[np.int32]
    tag_2: NDArray[np.int32]
    x0: NDArray[np.int32]
    tx: NDArray[np.int32]
    x1: NDArray[np.int32]
    x2: NDArray[np.int32]
    y0: NDArray[np.int32]
    ty: NDArray[np.int32]
    y1: NDArray[np.int32]
    y2: NDArray[np.int32]
    y3: NDArray[np.int32]


def simulate(
    rule: LearningRule | Mapping[str, Any] | Any,
    pre: ArrayLike,
    post: ArrayLike,
    weights: Any,
    tag_1: Any = None,
    tag_2: Any = None,
    sign_mode: str = "mixed",
    y_traces: Mapping[str, ArrayLike] | ArrayLike | None = None,
    graded_spike_cfg: int = 0,
    rounding: Literal["lava", "per_synapse"] = "per_synapse",
    seed: int | None = None,
    record: Literal["history", "final"] = "history",
    profile: str | Profile | None = None,
) -> LearningHistory:
    """Run one learning rule on given spikes, in the integers of the learning engine.

    :param rule: a LearningRule, a mapping of the keywords of Lava's Loihi2FLearningRule (with ``factors=3``:
        Loihi3FLearningRule), or such an object of Lava's.
    :param pre: presynaptic spikes as they arrive, (steps, n_pre): 0, or the payload of the spike.
    :param post: back-propagated postsynaptic spikes, (steps, n_post): 0 or 1.
    :param weights: starting weights, (n_post, n_pre), whole numbers; a scipy sparse matrix for a connection that isn't
        dense.
    :param tag_1: starting tags, likewise; None: 0. ``tag_2`` the same.
    :param sign_mode: ``mixed``, ``excitatory`` or ``inhibitory``.
    :param y_traces: three factors only: what the neuron supplies in every step, {"y1": (steps, n_post), ...} (those
        left out are 0), or one array (steps, 3, n_post).
    :param graded_spike_cfg: what a payload does, 0 to 3, as Lava's GradedSpikeCfg.
    :param rounding: ``lava``: Lava's own random numbers, shared by all synapses; ``per_synapse``: each draws its own.
    :param seed: of the rounding; None: the rule's ``rng_seed``, or 0.
    :param record: ``history``: all steps; ``final``: the last alone.
    :param profile: whose widths, ranges and switches hold: a hardware profile, its name or its file. None: with
        ``rounding="lava"`` those of lava-nc 0.10.0, and then every integer equals Lava's; else the profile of Loihi 2.
    :raises InputError: for a malformed rule, and for arrays of a wrong shape, kind or range.
    """
    rule = LearningRule.of(rule)
    mode = _choice("sign_mode", str(getattr(sign_mode, "name", sign_mode)).lower(), SIGN_MODES)
    _choice("rounding", rounding, ("lava", "per_synapse"))
    _choice("record", record, ("history", "final"))
    _choice("graded_spike_cfg", graded_spike_cfg, (0, 1, 2, 3))
    engine = LAVA if profile is None and rounding == "lava" else Engine.of(_profile(profile))
    seed = rule.rng_seed or 0 if seed is None else seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError("a seed is a whole number, not negative", field="seed", value=seed, remedy="e.g. 0")
    taus = {trace: float(getattr(rule, f"{trace}_tau")) for trace in TRACES}
    draws: Rounding
    if rounding == "lava":
        draws = LavaRounding(int(seed), taus)
    else:
        draws = ElementRounding(int(seed), taus, engine.decay, held=rule.supplied)
    connection = _connection(
        rule, weights, {"tag_1": tag_1, "tag_2": tag_2}, mode, engine, draws, int(graded_spike_cfg)
    )
    n_pre, n_post = connection.tx.size, connection.ty.size
    payloads = _spikes("pre", pre, n_pre)
    spikes = _spikes("post", post, n_post) != 0
    if len(payloads) != len(spikes):
        raise InputError(
            "pre and post have the same number of steps",
            field="post",
            value=len(spikes),
            remedy=f"give {len(payloads)}",
        )
    supplied = _supplied(rule, y_traces, len(payloads), n_post)

    kept: list[dict[str, Integers]] = []
    for t in range(len(payloads)):
        connection.step(payloads[t], spikes[t], None if supplied is None else supplied[t])
        if record == "history":
            kept.append(_snapshot(connection))
    if record == "final":
        return LearningHistory(**_matrices(connection, _snapshot(connection)))
    names = _snapshot(connection)
    stacked = {
        name: np.array([entry[name] for entry in kept]).reshape(len(kept), empty.size) for name, empty in names.items()
    }
    return LearningHistory(**_matrices(connection, stacked))


def _snapshot(connection: LearningConnection) -> dict[str, Integers]:
    """All variables, flat, in 32 bits."""
    values: dict[str, Integers] = dict(connection.variables)
    values |= {"x0": np.zeros_like(connection.tx), "tx": connection.tx, "x1": connection.x[0], "x2": connection.x[1]}
    values |= {"y0": connection.y0.astype(np.int64), "ty": connection.ty}
    values |= dict(zip(Y_TRACES, connection.y, strict=True))
    return {name: array.astype(np.int32) for name, array in values.items()}


def _matrices(connection: LearningConnection, values: dict[str, Any]) -> dict[str, Any]:
    """Synaptic variables from flat, (..., n_syn), to (..., n_post, n_pre)."""
    shape = (connection.ty.size, connection.tx.size)
    for name in SYNAPTIC:
        flat = values[name]
        matrix = np.zeros((*flat.shape[:-1], *shape), np.int32)
        matrix[..., connection.row, connection.col] = flat
        values[name] = matrix
    return values


def _connection(
    rule: LearningRule,
    weights: Any,
    tags: dict[str, Any],
    sign_mode: str,
    engine: Engine,
    rounding: Rounding,
    graded: int,
) -> LearningConnection:
    """The connection with its starting values, from dense or sparse matrices."""
    sparse = _is_sparse(weights)
    matrices = {"weights": _matrix("weights", weights, None)}
    n_post, n_pre = matrices["weights"].shape
    shape = (n_post, n_pre)
    for name, tag in tags.items():
        matrices[name] = np.zeros(shape, np.int64) if tag is None else _matrix(name, tag, shape)
    stored = {"weights": _stored(weights, shape)} | {name: _stored(tag, shape) for name, tag in tags.items()}

    allowed = {name: engine.levels(name, sign_mode) for name in SYNAPTIC}
    for name, levels in allowed.items():
        low, high = levels.low, levels.high
        if name == "weights":
            high = high + levels.step - 1  # cut to the step below
        matrix = matrices[name]
        if matrix.size and (matrix.min() < low or matrix.max() > high):
            worst = int(matrix.min()) if matrix.min() < low else int(matrix.max())
            what = f"{sign_mode} weights" if name == "weights" else name
            raise InputError(
                f"{what} go from {low} to {high}", field=name, value=worst, remedy="scale or clip the starting values"
            )
    # Toward zero for inhibitory weights, down for the others: their step is 1.
    step = engine.start_step[sign_mode]
    matrices["weights"] = matrices["weights"] // step * step

    exists = dict.fromkeys(SYNAPTIC, np.ones(shape, np.bool_))
    if sparse and engine.drops_zeros:
        exists = {
            name: where if _is_sparse(tags.get(name, weights)) else matrices[name] != 0
            for name, where in stored.items()
        }
        exists["weights"] = stored["weights"] & (matrices["weights"] != 0)
    elif sparse:
        exists = dict.fromkeys(SYNAPTIC, stored["weights"])
        for name in tags:
            if (matrices[name] != 0)[~stored["weights"]].any():
                raise InputError(
                    "a tag lies where there is no synapse",
                    field=name,
                    remedy="store a weight there, or set the tag to 0",
                )
    row, col = np.nonzero(np.logical_or.reduce(list(exists.values())) if sparse else np.ones(shape, np.bool_))
    flat = {name: np.where(exists[name], matrix, 0)[row, col] for name, matrix in matrices.items()}
    return LearningConnection(
        rule,
        shape,
        row,
        col,
        flat,
        {name: where[row, col] for name, where in exists.items()},
        sign_mode,
        engine,
        rounding,
        graded,
    )


def _is_sparse(matrix: Any) -> bool:
    """A scipy sparse matrix, without importing scipy."""
    return hasattr(matrix, "tocoo")


def _stored(matrix: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Where a sparse matrix stores an entry; everywhere for a dense one."""
    if not _is_sparse(matrix):
        return np.ones(shape, np.bool_)
    entries = matrix.tocoo()
    stored = np.zeros(shape, np.bool_)
    stored[entries.row, entries.col] = True
    return stored


def _matrix(name: str, matrix: Any, shape: tuple[int, int] | None) -> Integers:
    values = _whole(name, matrix.toarray() if _is_sparse(matrix) else matrix)
    if values.ndim != 2 or (shape is not None and values.shape != shape):
        expected = "(n_post, n_pre)" if shape is None else f"{shape}, as the weights are"
        raise InputError(
            f"the shape must be {expected}", field=name, value=values.shape, remedy="rows are postsynaptic neurons"
        )
    return values


def _spikes(name: str, spikes: Any, neurons: int) -> Integers:
    values = _whole(name, spikes)
    if values.ndim != 2 or values.shape[1] != neurons:
        raise InputError(f"the shape must be (steps, {neurons})", field=name, value=values.shape,
                         remedy="time comes first, then neurons")  # fmt: skip
    return values


def _supplied(rule: LearningRule, y_traces: Any, steps: int, n_post: int) -> Integers | None:
    """The y traces of a three-factor rule, (steps, 3, n_post)."""
    if not rule.supplied:
        if y_traces is not None:
            raise InputError("a rule of two factors computes its y traces itself", field="y_traces",
                             remedy="use LearningRule.three_factor(...), or leave them out")  # fmt: skip
        return None
    values = np.zeros((steps, len(Y_TRACES), n_post), np.int64)
    if isinstance(y_traces, Mapping):
        for name, trace in y_traces.items():
            _choice("y_traces", name, Y_TRACES)
            values[:, Y_TRACES.index(name)] = _shaped(f"y_traces.{name}", trace, (steps, n_post))
    elif y_traces is not None:
        values[:] = _shaped("y_traces", y_traces, values.shape)
    return values


def _shaped(name: str, array: Any, shape: tuple[int, ...]) -> Integers:
    values = _whole(name, array)
    if values.shape != shape:
        raise InputError(
            f"the shape must be {shape}", field=name, value=values.shape, remedy="time comes first, then neurons"
        )
    return values


def _whole(name: str, array: Any) -> Integers:
    """Whole numbers of at most 32 bits."""
    try:
        values = np.asarray(array)
    except ValueError:  # rows of unequal length
        values = np.array(None)
    if values.dtype.kind in "biuf" and np.all(
        (values >= -(2.0**31)) & (values < 2.0**31) & (np.floor(values) == values)
    ):
        return values.astype(np.int64)
    raise InputError("these are whole numbers of at most 32 bits", field=name, remedy="round them")


def _choice(field: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, bool) or value not in choices:
        raise InputError(
            "this choice is not known", field=field, value=value, remedy=f"one of {', '.join(map(str, choices))}"
        )
    return value


def _profile(profile: str | Profile | None) -> Profile:
    return profile if isinstance(profile, Profile) else load_profile(profile or DEFAULT_PROFILE)
