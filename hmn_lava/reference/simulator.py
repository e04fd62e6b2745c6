"""The float reference: a network in float64, from the equations alone. What the integers are measured against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from hmn_lava.errors import InputError
from hmn_lava.latency import Latency
from hmn_lava.reference.connection import HebbianSynapses, PlasticSynapses, Synapses
from hmn_lava.reference.equations import Floats, Ints
from hmn_lava.reference.meta import tuned
from hmn_lava.reference.modulation import Modulation
from hmn_lava.reference.population import Units
from hmn_lava.spec.model import Model


class Reference:
    """A network in float64: all populations, connections and modulators of ``model``, before step 0.

    One step is, in this order: activation (1), eligibility (2), contexts, local attention (8-9), global attention
    (6, 10-11), update (3-5). Before step 0 all activity, traces and contexts are 0. Time is model time;
    ``latency.offset`` is for whoever compares. Left out, ``latency`` is none (:meth:`Latency.ideal`), and ``seed`` is
    the model's.

    ``learning`` switches all rules: while it is False, no trace, local context or weight moves, as with
    ``learning: false`` of a connection; modulators and the global context go on. A signal is read by its name,
    ``reference["out.z"]``, as a copy; ``signals`` lists the names. Weights are also written, flat:
    ``reference["readout.w"] = w``. To go on twice from one state, make a deep copy of the reference.

    Raises InputError where a latency, an input, a value or a name does not fit the model.
    """

    def __init__(self, model: Model, latency: Latency | None = None, seed: int | None = None) -> None:
        self.model = model
        self.t = 0
        self.learning = True
        latency = Latency.ideal(model) if latency is None else latency
        seed = model.seed if seed is None else seed
        delays = {name: _delay(model, latency, name) for name in model.connections}
        depth = dict.fromkeys(model.populations, 1)
        for name, connection in model.connections.items():
            depth[connection.pre] = max(depth[connection.pre], 1 + int(delays[name].max(initial=0)))
        self._units = {name: Units(record, depth[name], seed) for name, record in model.populations.items()}
        self._synapses: dict[str, Synapses] = {}
        for name, connection in model.connections.items():
            source, lag = self._units[connection.pre], latency.weight_lag.get(name, 0)
            if connection.hebbian is not None and connection.learns:
                self._synapses[name] = HebbianSynapses(connection, connection.hebbian, source, delays[name], lag)
            elif connection.rule is None:
                self._synapses[name] = Synapses(connection, source, delays[name], lag)
            else:
                phase = connection.rule.phase
                oscillator = None if phase is None else model.oscillators[phase.oscillator]
                self._synapses[name] = PlasticSynapses(
                    connection, connection.rule, oscillator, source, delays[name], lag, seed
                )
        self._modulation = Modulation(model, self._units)
        self._plan()

    def _plan(self) -> None:
        """Fix who does what in a step, so that a step looks nothing up."""
        model = self.model
        self._inputs = {name: units for name, units in self._units.items() if units.record.type == "input"}
        arriving: dict[str, list[Synapses]] = {name: [] for name in model.populations}
        for synapses in self._synapses.values():
            arriving[synapses.record.post].append(synapses)
        self._active = [(self._units[name], arriving[name]) for name in model.order if name not in self._inputs]
        plastic = [synapses for synapses in self._synapses.values() if isinstance(synapses, PlasticSynapses)]
        self._plastic = [(synapses, self._units[synapses.record.post]) for synapses in plastic]
        hebbian = [synapses for synapses in self._synapses.values() if isinstance(synapses, HebbianSynapses)]
        self._hebbian = [(synapses, self._units[synapses.record.post]) for synapses in hebbian]
        owners: dict[str, Units | Synapses] = {**self._units, **self._synapses}
        self._signals: dict[str, tuple[Units | Synapses | Modulation, str]] = {
            f"{name}.{symbol}": (owner, symbol) for name, owner in owners.items() for symbol in owner.symbols
        }
        self._signals |= {name: (self._modulation, name) for name in self._modulation.names}

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of all signals that can be read."""
        return tuple(self._signals)

    def __getitem__(self, signal: str) -> Floats:
        """Return a copy of a signal as it is after the last step; raises InputError for an unknown name."""
        owner, symbol = self._owner(signal)
        return owner.read(symbol).copy()

    def __setitem__(self, signal: str, value: ArrayLike) -> None:
        """Replace the weights ``<connection>.w``; InputError for another signal, a wrong shape or a wrong value."""
        name, _, symbol = signal.rpartition(".")
        synapses = self._synapses.get(name)
        if synapses is None or symbol != "w":
            writable = ", ".join(f"{name}.w" for name in self._synapses) or "none in this network"
            raise InputError("only weights can be set", field=signal, remedy=f"set one of: {writable}")
        w = np.array(value, dtype=np.float64)
        if w.shape != synapses.w.shape:
            problem = f"must have shape {synapses.w.shape}"
            raise InputError(problem, field=signal, value=w.shape, remedy="give one weight per synapse")
        rule = synapses.record.rule or synapses.record.hebbian
        low, high = (-np.inf, np.inf) if rule is None else (rule.w_min, rule.w_max)
        if not (np.all(np.isfinite(w)) and np.all((low <= w) & (w <= high))):
            raise InputError(f"must be finite and within [{low}, {high}]", field=signal, remedy="clip the weights")
        synapses.load(w)

    def tune(self, connection: str, **constants: float) -> None:
        """Change constants of a connection's rule from now on, as meta-learning does; all state stays.

        The constants are those of :func:`hmn_lava.reference.meta.tuned`, which also says what is an error.
        """
        synapses = self._synapses.get(connection)
        if not isinstance(synapses, PlasticSynapses):
            raise InputError("does not learn", field=connection, remedy="name a connection of type hmn")
        synapses.follow(tuned(synapses.rule, **constants))

    def step(self, inputs: Mapping[str, ArrayLike]) -> None:
        """Run one step on ``inputs``: population -> values (size,). An input population that is left out is silent."""
        t = self.t
        for name in inputs:
            if name not in self._inputs:
                raise _no_such_input(name, self._inputs)
        for name, units in self._inputs.items():
            n = units.record.size
            x = np.array(inputs[name], dtype=np.float64) if name in inputs else np.zeros(n)
            if x.shape != (n,):
                raise InputError(f"must have shape ({n},)", field=name, value=x.shape, remedy="give one value per unit")
            units.feed(t, x)
        for units, arriving in self._active:
            drive = {component: np.zeros(units.record.size) for component in ("real", "imaginary")}
            for synapses in arriving:
                drive[synapses.record.component] = drive[synapses.record.component] + synapses.drive(t)
            units.activate(t, drive["real"], drive["imaginary"])
        self._modulation.step()
        for plastic, post in self._plastic:
            plastic.modulate(t, self._modulation.third_factor(plastic.rule.modulators))
            if self.learning and plastic.rule.learning:
                plastic.learn(t, post.z)
            plastic.end_step()
        for hebbian, post in self._hebbian:
            if self.learning:
                hebbian.learn(t, post.voltage)
            hebbian.end_step()
        self.t = t + 1

    def run(self, inputs: Mapping[str, ArrayLike], steps: int, probes: Iterable[str] = ()) -> dict[str, Floats]:
        """Run ``steps`` steps and return the history of each probed signal, (steps, *shape of the signal).

        ``inputs`` maps population -> values (steps, size). Raises InputError, before the first step, for an unknown
        name, a wrong shape, or a value that is outside the population's range.
        """
        arrays = {name: self._checked(name, values, steps) for name, values in inputs.items()}
        owners = {probe: self._owner(probe) for probe in probes}
        histories = {probe: np.empty((steps, *owner.read(symbol).shape)) for probe, (owner, symbol) in owners.items()}
        for k in range(steps):
            self.step({name: array[k] for name, array in arrays.items()})
            for probe, (owner, symbol) in owners.items():
                histories[probe][k] = owner.read(symbol)
        return histories

    def _owner(self, signal: str) -> tuple[Units | Synapses | Modulation, str]:
        if signal not in self._signals:
            raise InputError("unknown signal", field=signal, remedy=f"use one of: {', '.join(self._signals)}")
        return self._signals[signal]

    def _checked(self, name: str, values: ArrayLike, steps: int) -> Floats:
        if name not in self._inputs:
            raise _no_such_input(name, self._inputs)
        record = self._inputs[name].record
        x = np.asarray(values, dtype=np.float64)
        if x.shape != (steps, record.size):
            problem = f"must have shape ({steps}, {record.size})"
            raise InputError(problem, field=name, value=x.shape, remedy="give one row per step")
        if not np.all((record.low <= x) & (x <= record.high)):  # a NaN fails this too
            problem = f"has values outside [{record.low:g}, {record.high:g}]"
            raise InputError(problem, field=name, remedy="scale the input, or widen its range")
        if record.signal == "spike" and not np.all((x == 0.0) | (x == 1.0)):
            raise InputError("has values other than 0 and 1", field=name, remedy="use signal: graded")
        return x


def _no_such_input(name: str, inputs: Iterable[str]) -> InputError:
    return InputError("is not an input population", field=name, remedy=f"use one of: {', '.join(inputs)}")


def _delay(model: Model, latency: Latency, name: str) -> Ints:
    """Return the delays in effect; a message without delay must come from a population that is computed before."""
    connection = model.connections[name]
    delay = np.asarray(latency.delay.get(name, connection.delay), dtype=np.int64)
    if delay.shape != connection.row.shape:
        remedy = f"give an array of shape {connection.row.shape}"
        raise InputError("needs one delay per synapse", field=f"latency.delay.{name}", value=delay.shape, remedy=remedy)
    place = model.order.index
    earliest = 0 if place(connection.pre) < place(connection.post) else 1
    if delay.min(initial=earliest) < earliest:
        remedy = "a message cannot come from a population that is computed later in the step"
        problem = f"needs delays of at least {earliest}"
        raise InputError(problem, field=f"latency.delay.{name}", value=int(delay.min()), remedy=remedy)
    if latency.weight_lag.get(name, 0) < 0:
        lag = latency.weight_lag[name]
        raise InputError("must not be negative", field=f"latency.weight_lag.{name}", value=lag, remedy="use 0 or more")
    return delay
