"""The modulators and the global context at run time: step 5 of the model, and the global half of step 3."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hmn_lava.reference import equations as eq
from hmn_lava.reference.equations import Floats, Ints
from hmn_lava.reference.population import Units
from hmn_lava.spec.model import Model, Modulator


class Modulation:
    """Values ``E`` of all modulators, their running means, and the global context ``C``; all start at 0."""

    def __init__(self, model: Model, units: Mapping[str, Units]) -> None:
        self._attention = model.global_attention
        self._modulators = list(model.modulators.values())
        self._number = {name: k for k, name in enumerate(model.modulators)}
        self._groups: dict[tuple[str, ...], tuple[Ints, Floats, Floats | None]] = {}
        self._units = units
        self._reward_mean = dict.fromkeys(model.modulators, 0.0)
        novelty = [modulator for modulator in self._modulators if modulator.type == "novelty"]
        self._input_mean = {m.name: np.zeros(units[m.source].record.size) for m in novelty}
        self.E = np.zeros(len(self._modulators))
        self.C = np.zeros(0 if self._attention is None else self._attention.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of the signals that :meth:`read` knows."""
        values = tuple(f"{name}.E" for name in self._number)
        return values if self._attention is None else (*values, "global.C")

    def read(self, name: str) -> Floats:
        """Return the signal with this full name: a modulator's value, (1,), or the global context, (Dg,)."""
        if name == "global.C":
            return self.C
        k = self._number[name.removesuffix(".E")]
        return self.E[k : k + 1]

    def step(self) -> None:
        """Move the global context and the modulators by one step, from the activity of this step."""
        attention = self._attention
        if attention is not None:
            z = self._units[attention.context].z
            target = z if attention.from_input else eq.population_context(z, attention.key)
            self.C = eq.running_average(self.C, target, attention.rate)
        if self._modulators:
            self.E = np.array([self._value(modulator) for modulator in self._modulators])

    def third_factor(self, names: tuple[str, ...]) -> float:
        """Return ``G'`` of these modulators; the attention is shared among them alone, and without any, G' is 0."""
        if not names:
            return 0.0
        if names not in self._groups:
            group = [self._modulators[self._number[name]] for name in names]
            numbers = np.array([self._number[name] for name in names])
            key = None if self._attention is None else np.array([modulator.key for modulator in group])
            self._groups[names] = numbers, np.array([modulator.weight for modulator in group]), key
        numbers, weight, key = self._groups[names]
        value = self.E[numbers]
        if self._attention is None or key is None:
            return eq.third_factor(weight, value)
        return eq.third_factor(weight, value, eq.global_attention(self._attention.beta, value, key, self.C))

    def _value(self, modulator: Modulator) -> float:
        name, z = modulator.name, self._units[modulator.source].z
        if modulator.type == "input":
            return float(z[0])
        if modulator.type == "reward":
            mean, on_delivery = self._reward_mean[name], modulator.on == "delivery"
            value, self._reward_mean[name] = eq.reward(float(z[0]), mean, modulator.mean_rate, on_delivery)
            return value
        if modulator.type == "novelty":
            value, self._input_mean[name] = eq.novelty(z, self._input_mean[name], modulator.mean_rate)
            return value
        return eq.uncertainty(z)
