"""Plastic synapses of the learning engine as a part: a step is one of Lava's LearningDense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.hardware_profiles import Profile
from hmn_lava.learning.connection import LearningConnection
from hmn_lava.learning.engine import LAVA, SIGN_MODES, Engine, SignMode
from hmn_lava.learning.ideal import IdealRule, _changed
from hmn_lava.learning.records import SYNAPTIC, TRACES, VARIABLE_NAMES, X_TRACES, Y_TRACES
from hmn_lava.learning.rounding import ElementRounding, LavaRounding, decay_factor
from hmn_lava.learning.rule import LearningRule
from hmn_lava.learning.simulate import _choice, _connection, _is_sparse, _profile  # the checks of simulate()
from hmn_lava.microcode.ir import WORD
from hmn_lava.network import Input, IntegerNetwork, LearningSynapses, Link, Topology
from hmn_lava.partition import SUPPLIED, InPort, OutPort, Part
from hmn_lava.parts.given import of_component, whole
from hmn_lava.reference.equations import Floats

SUPPLIED_PORTS = tuple(sender.replace("_out_", "_in_") for sender in SUPPLIED.values())
WEIGHT_EXP = range(-30, 31)


@dataclass(frozen=True, eq=False)
class DenseSynapses(LearningSynapses):
    """Synapses between all pairs; ``lava_rounding``: with the random numbers of Lava."""

    lava_rounding: bool = False

    def connection(self) -> LearningConnection:
        """The connection that says what these synapses do, in its initial state."""
        connection = super().connection()
        if self.lava_rounding:
            taus = {trace: float(getattr(self.rule, f"{trace}_tau")) for trace in TRACES}
            connection.rounding = LavaRounding(self.seed, taus)
        return connection


@of_component(rule="learning_rule")
def learning_connection_part(
    *,
    weights: ArrayLike,
    learning_rule: LearningRule | Mapping[str, Any] | Any,
    tag_1: ArrayLike | None = None,
    tag_2: ArrayLike | None = None,
    sign_mode: Any = "mixed",
    weight_exp: int = 0,
    num_weight_bits: int = 8,
    num_message_bits: int = 0,
    graded_spike_cfg: Any = 0,
    rounding: Literal["per_synapse", "lava"] = "per_synapse",
    profile: str | Profile | None = None,
    seed: int | None = None,
    name: str = "learning",
) -> tuple[Part, FloatLearning]:
    """The part, and its equations.

    Parameters are those of Lava's LearningDense and of :func:`hmn_lava.learning.simulate`. ``name`` names the random
    streams of ``rounding="per_synapse"``; under its default they are those of ``simulate``.
    """
    rule = _rule(learning_rule)
    mode = cast(SignMode, _choice("sign_mode", str(getattr(sign_mode, "name", sign_mode)).lower(), SIGN_MODES))
    _choice("rounding", rounding, ("per_synapse", "lava"))
    graded = int(_choice("graded_spike_cfg", getattr(graded_spike_cfg, "value", graded_spike_cfg), (0, 1, 2, 3)))
    whole("weight_exp", weight_exp, WEIGHT_EXP[0], WEIGHT_EXP[-1])
    whole("num_weight_bits", num_weight_bits, 8, 8)
    whole("num_message_bits", num_message_bits, 0, WORD)
    if profile is not None and not isinstance(profile, (str, Path, Profile)):
        remedy = "give the name of a profile, or a path"
        raise InputError("is no hardware profile", field="profile", value=profile, remedy=remedy)
    seed = whole("seed", rule.rng_seed or 0 if seed is None else seed)
    for field, given in (("weights", weights), ("tag_1", tag_1), ("tag_2", tag_2)):
        if _is_sparse(given):
            raise InputError("all pairs have a synapse", field=field, remedy="give a dense matrix: .toarray()")
    engine = LAVA if profile is None and rounding == "lava" else Engine.of(_profile(profile))
    taus = {trace: float(getattr(rule, f"{trace}_tau")) for trace in TRACES}
    start = _connection(
        rule, weights, {"tag_1": tag_1, "tag_2": tag_2}, mode, engine, ElementRounding(int(seed), taus), graded
    )
    n_post, n_pre = start.ty.size, start.tx.size
    if not n_post or not n_pre:
        raise InputError("there is at least one synapse", field="weights", value=(n_post, n_pre), remedy="add one")
    synapses = DenseSynapses(
        name,
        f"{name}.neuron",
        rule,
        engine,
        Topology.full(n_post, n_pre),
        start.variables,
        int(seed),
        mode,
        graded,
        lava_rounding=rounding == "lava",
    )
    word = Fixed(WORD)
    links = (
        Link(("s_in", "x"), (name, "x"), "same"),
        Link((name, "weights"), (synapses.neuron, "a"), "plastic", shift=int(weight_exp)),
    )
    arriving = Input("s_in", n_pre, word, word.min, word.max)
    network = IntegerNetwork(name, {"s_in": arriving}, {}, links, {}, (), {}, {}, {name: synapses})
    part = Part(
        name,
        "learning",
        network,
        (InPort("s_in", n_pre, binary=num_message_bits == 0),),
        (OutPort("a_out", n_post, (name, "weights")),),
        {},
        network.depth + 1,
        tuple(InPort(port, n_post) for port in SUPPLIED_PORTS),
    )
    starts: dict[str, Any] = {"weights": weights, "tag_1": tag_1, "tag_2": tag_2}
    real = {n: np.zeros((n_post, n_pre)) if v is None else np.array(v, np.float64) for n, v in starts.items()}
    return part, FloatLearning(part, synapses, real)


def _rule(given: Any) -> LearningRule:
    """A rule of its own class, of a mapping or of Lava; its errors tell that they are of the rule."""
    try:
        return LearningRule.of(given)
    except InputError as error:
        raise InputError(
            error.problem, where="rule", field=error.field, value=error.value, remedy=error.remedy
        ) from None


class FloatLearning:
    """The rule in real numbers, on the ports of its part: nothing is rounded, every decay is exp(-1/tau).

    As in Lava's float model, a trace has no end.

    What a product is, with its implicit down-scaling, and where a variable ends, say :class:`IdealRule` and the engine.
    Traces follow an epoch as the engine does: a spike that is not the first adds its impulse at once, the last one when
    the epoch ends. The weights begin as they were given, odd ones too.

    It has the methods of :class:`hmn_lava.reference.parts.FloatPart`, in the order of Lava's LearningDense.
    """

    def __init__(self, part: Part, synapses: LearningSynapses, start: Mapping[str, Floats]) -> None:
        self.part, self.synapses = part, synapses
        self.time = 0
        self._rule = IdealRule.of(synapses.rule, synapses.engine, {}, synapses.sign_mode)
        self._binary = part.inputs[0].binary
        self._gain = 2.0 ** next(link.shift for link in part.network.links if link.kind == "plastic")
        topology = synapses.topology
        sizes = dict.fromkeys(("x0", "tx", *X_TRACES), topology.n_pre)
        sizes |= dict.fromkeys(("y0", "ty", *Y_TRACES, "a_buff"), topology.n_post)
        self.states: dict[str, Floats] = {name: np.array(values) for name, values in start.items()}
        self.states |= {name: np.zeros(size) for name, size in sizes.items()}

    def load(self, variables: Mapping[str, NDArray[Any]]) -> None:
        """Take the states as the Vars have them."""
        for name, state in self.states.items():
            state[...] = variables[name].reshape(state.shape)

    def step_once(self, receive: Callable[[str], NDArray[Any]], send: Callable[[str, Floats], None]) -> None:
        """One step of the chip."""
        states, rule = self.states, self.synapses.rule
        send("a_out", states["a_buff"] * self._gain)
        arrived = np.asarray(receive("s_in"), np.float64)
        payloads = (arrived != 0).astype(np.float64) if self._binary else arrived
        states["a_buff"][:] = states["weights"] @ payloads
        moment = self.time % rule.t_epoch + 1
        self._presynaptic(payloads, moment)
        supplied = {port: np.asarray(receive(port), np.float64) for port in SUPPLIED_PORTS}
        self._spiked("y", supplied["s_in_bap"] != 0, moment, Y_TRACES)
        if rule.supplied:
            for name in Y_TRACES:
                states[name][:] = supplied[f"s_in_{name}"]
        self.time += 1
        if self.time % rule.t_epoch == 0:
            self._learn()
        states["y0"][:] = states["ty"] > 0

    def _presynaptic(self, payloads: Floats, moment: int) -> None:
        x1, graded = self.states["x1"], self.synapses.graded
        spiked = payloads != 0
        if graded == 1:
            x1[spiked] = payloads[spiked] / 2
        elif graded:
            x1 += payloads / 2
        self._spiked("x", spiked, moment, X_TRACES if graded == 0 else ("x2",))

    def _spiked(self, side: str, spiked: NDArray[np.bool_], moment: int, traces: tuple[str, ...]) -> None:
        again = spiked & (self.states[f"t{side}"] > 0)
        for name in traces:
            self.states[name][again] += self._impulse(name)
        self.states[f"t{side}"][spiked] = moment

    def _impulse(self, trace: str) -> float:
        graded = trace == "x1" and self.synapses.graded
        return 0.0 if graded else float(getattr(self.synapses.rule, f"{trace}_impulse"))

    def _history(self, name: str) -> Floats:
        """A trace at the moments 0 .. t_epoch of the epoch that ends now."""
        rule, times = self.synapses.rule, self.states[f"t{name[0]}"]
        history = [self.states[name].copy()]
        for moment in range(1, rule.t_epoch + 1):
            decayed = history[-1] * decay_factor(getattr(rule, f"{name}_tau"))
            history.append(decayed + self._impulse(name) * (times == moment))
        return np.array(history)

    def _learn(self) -> None:
        states, topology, rule = self.states, self.synapses.topology, self.synapses.rule
        histories = {name: self._history(name) for name in TRACES}
        index = {"x": topology.col, "y": topology.row}
        last = np.full(topology.size, rule.t_epoch)
        moments = {"u": last, **{f"{s}0": states[f"t{s}"].astype(np.int64)[index[s]] for s in index}}
        at = {
            dependency: {name: histories[name][moment, index[name[0]]] for name in TRACES}
            for dependency, moment in moments.items()
        }
        spiked = {f"{side}0": (states[f"t{side}"] > 0)[index[side]] for side in index}
        values = {name: states[VARIABLE_NAMES[name]].reshape(-1) for name in SYNAPTIC}
        cuts = {f"{name}.cut": np.zeros(topology.size) for name in SYNAPTIC}
        changed = _changed(self._rule, values | cuts, at, spiked, self.time // rule.t_epoch)
        for name in SYNAPTIC:
            if name in changed:
                variable = states[VARIABLE_NAMES[name]]
                variable[...] = changed[name].reshape(variable.shape)
        for name in X_TRACES if rule.supplied else TRACES:
            states[name][:] = histories[name][-1]
        states["tx"][:] = states["ty"][:] = 0
