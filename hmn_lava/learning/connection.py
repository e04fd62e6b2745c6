"""A plastic connection in the integers of the learning engine.

Traces of its neurons, variables of its synapses, one time step.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hmn_lava.fixed import Integers
from hmn_lava.learning.engine import Engine
from hmn_lava.learning.products import accumulate, settle
from hmn_lava.learning.records import SYNAPTIC, TRACES, VARIABLE_NAMES, X_TRACES, Y_TRACES
from hmn_lava.learning.rounding import Rounding, Up
from hmn_lava.learning.rule import LearningRule

PAYLOAD_BITS = 8
"""A graded spike's halved payload wraps at eight bits."""


class LearningConnection:
    """State and step of one plastic connection; synapses are flat, ``row`` = post and ``col`` = pre.

    In a step come the presynaptic spikes, the postsynaptic ones, then, where the neuron supplies them, y1..y3. At the
    end of an epoch the traces are followed through its steps, every product is evaluated at its dependency's moment,
    and all rules are applied at once.

    ``graded`` says what a presynaptic payload p does: 0: nothing, a spike adds the impulse; 1: x1 = p/2; 2: x1 = min(x1
    + p/2, 127); 3: x1 + p/2, and where this passes 127, 127 is taken off, x2 gets its impulse, and x0 counts a spike,
    which it doesn't otherwise.
    """

    def __init__(
        self,
        rule: LearningRule,
        shape: tuple[int, int],
        row: Integers,
        col: Integers,
        variables: Mapping[str, Integers],
        exists: Mapping[str, NDArray[np.bool_]],
        sign_mode: str,
        engine: Engine,
        rounding: Rounding,
        graded: int = 0,
    ) -> None:
        """``variables``: weights, tag_1, tag_2, flat; ``exists``.

        Where there is such a variable (elsewhere it stays 0).
        """
        n_post, n_pre = shape
        self.rule, self.engine, self.rounding, self.graded = rule, engine, rounding, graded
        self.row, self.col = row, col
        self.variables = {name: values.copy() for name, values in variables.items()}
        self._exists = exists
        self._levels = {name: engine.levels(name, sign_mode) for name in variables}
        self._index = row * n_pre + col  # the number of a synapse is its place in the full matrix, sparse or not
        self.step_number = 0
        self.x = np.zeros((len(X_TRACES), n_pre), np.int64)
        self.y = np.zeros((len(Y_TRACES), n_post), np.int64)
        self.tx = np.zeros(n_pre, np.int64)
        self.ty = np.zeros(n_post, np.int64)
        self.impulses: dict[str, tuple[int, int]] = {}
        """Whole part, and fraction in units of ``2**-fraction_bits``."""
        for trace in TRACES:
            impulse = 0.0 if trace == "x1" and graded else getattr(rule, f"{trace}_impulse")
            whole = int(np.floor(impulse))
            self.impulses[trace] = (whole, int(np.rint((impulse - whole) * (1 << engine.fraction_bits))))

    @property
    def learns(self) -> bool:
        """Whether the step that was made last ended an epoch."""
        return self.step_number % self.rule.t_epoch == 0

    @property
    def y0(self) -> NDArray[np.bool_]:
        """Which postsynaptic neurons have spiked in the epoch so far."""
        return self.ty > 0

    @property
    def states(self) -> dict[str, Integers]:
        """All that the next step depends on besides ``step_number``, by name.

        The arrays are the connection's own: whoever writes to them sets its state.
        """
        traces = dict(zip(TRACES, (*self.x, *self.y), strict=True))
        return {**self.variables, **traces, "tx": self.tx, "ty": self.ty}

    def step(self, pre: Integers, post: NDArray[np.bool_], y: Integers | None = None) -> None:
        """One time step.

        Payloads of presynaptic spikes (n_pre,), postsynaptic spikes (n_post,), supplied y traces (3, n_post).
        """
        self.step_number += 1
        self.rounding.next_step()
        moment = (self.step_number - 1) % self.rule.t_epoch + 1
        self._presynaptic(pre, moment)
        self._postsynaptic(post, moment)
        if y is not None:
            self.y[:] = y if self.engine.y_range is None else np.clip(y, *self.engine.y_range)
        if self.learns:
            self._learn()

    def _presynaptic(self, pre: Integers, moment: int) -> None:
        counted = pre != 0
        again = (self.tx > 0) & counted
        x1 = self.x[0]
        payload = np.rint(pre / 2).astype(np.int64)
        wrapped = (1 << PAYLOAD_BITS) - 1
        if self.graded == 0:
            self._add_again("x1", self.x[0], again)
        elif self.graded == 1:
            x1[counted] = payload[counted] & wrapped
        elif self.graded == 2:
            x1[:] = np.minimum((x1 + payload) & wrapped, self.engine.trace_high)
        else:
            x1[:] = (x1 + payload) & wrapped
            over = x1 > self.engine.trace_high
            x1[over] -= self.engine.trace_high
            counted, again = counted & over, again & over
        self._add_again("x2", self.x[1], again)
        self.tx[counted] = moment

    def _postsynaptic(self, post: NDArray[np.bool_], moment: int) -> None:
        again = (self.ty > 0) & post
        for trace, values in zip(Y_TRACES, self.y, strict=True):
            self._add_again(trace, values, again)
        self.ty[post] = moment

    def _add_again(self, trace: str, values: Integers, again: NDArray[np.bool_]) -> None:
        """A further spike in an epoch adds its impulse at once."""
        index = np.flatnonzero(again)
        values[index] = self._added(trace, values[index], index, self.step_number, repeated=True)

    def _added(self, trace: str, values: Integers, index: Integers, step: int, repeated: bool) -> Integers:
        whole, fraction = self.impulses[trace]
        up = self.rounding.impulse(trace, fraction, self.engine.fraction_bits, index, step, repeated)
        return np.clip(values + whole + up, self.lowest(trace), self.engine.trace_high)

    def lowest(self, trace: str) -> int:
        """Where an impulse clips a trace from below."""
        supplied = self.rule.supplied and trace in Y_TRACES
        return self.engine.y_range[0] if self.engine.y_range is not None and supplied else 0

    def _history(self, names: tuple[str, ...], start: Integers, spikes: Integers) -> Integers:
        """Traces at the moments 0 .. t_epoch of the epoch that ends now: they decay, then spikes add their impulses."""
        epoch = self.rule.t_epoch
        history = np.empty((epoch + 1, *start.shape), np.int64)
        history[0] = start
        for moment in range(1, epoch + 1):
            step = self.step_number - epoch + moment
            spiked = np.flatnonzero(spikes == moment)
            for k, trace in enumerate(names):
                values = self.rounding.decay(trace, history[moment - 1, k], step)
                values[spiked] = self._added(trace, values[spiked], spiked, step, repeated=False)
                history[moment, k] = values
        return history

    def _learn(self) -> None:
        self.rounding.next_epoch()
        x_history = self._history(X_TRACES, self.x, self.tx)
        y_history = self._history(Y_TRACES, self.y, self.ty)
        self.x[:] = x_history[-1]
        if not self.rule.supplied:
            self.y[:] = y_history[-1]
        spiked = {"x0": (self.tx > 0)[self.col].astype(np.int64), "y0": (self.ty > 0)[self.row].astype(np.int64)}
        moments = {"x0": self.tx[self.col], "y0": self.ty[self.row], "u": np.full(self.row.size, self.rule.t_epoch)}
        fires = (
            self.rule.decimation is not None
            and self.step_number // self.rule.t_epoch % (1 << self.rule.decimation) == 0
        )

        def active(dependency: str) -> Integers:
            return np.full(self.row.size, int(fires)) if dependency == "u" else spiked[dependency]

        def value(variable: str, dependency: str) -> Integers:
            if variable in SYNAPTIC:
                return self.variables[VARIABLE_NAMES[variable]]
            if variable in spiked:
                return spiked[variable]
            side, neurons, names = (
                (x_history, self.col, X_TRACES) if variable in X_TRACES else (y_history, self.row, Y_TRACES)
            )
            return np.asarray(side[moments[dependency], names.index(variable), neurons])

        changed = {}
        for rule in self.rule.rules:
            name = VARIABLE_NAMES[rule.target[1]]
            total = accumulate(rule, self.variables[name], active, value, self.engine)

            def up(fraction: Integers, bits: int, name: str = name) -> Up:
                return self.rounding.variable(name, fraction, bits, self._index, self.step_number)

            changed[name] = np.where(self._exists[name], settle(total, self._levels[name], self.engine, up), 0)
        for name, values in changed.items():
            self.variables[name][:] = values
        self.tx[:] = self.ty[:] = 0
