"""Build a spec in Python: the same records as in YAML, each checked where it is written.

>>> net = Network("digits")
>>> pixels = net.input("pixels", 64)
>>> out = net.hmn("out", 10, activation="sigmoid")
>>> reward = net.input("reward", 1, range=(-1, 1))
>>> rpe = net.modulator("rpe", type="reward", source=reward, on="delivery")
>>> weights = {"init": "kaiming"}
>>> readout = net.connect(pixels, out, name="readout", weights=weights, rates={"global": 0.05}, modulators=[rpe])
>>> net.spec().connections["readout"].target
'out'
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hmn_lava.spec.extend import extended
from hmn_lava.spec.load import read_record
from hmn_lava.spec.neurons import RestartSpec
from hmn_lava.spec.problems import Problem, error_of, problems_of
from hmn_lava.spec.records import (
    VERSION,
    ConnectionRecord,
    GlobalAttentionSpec,
    MetaLearningSpec,
    ModulatorRecord,
    OscillatorSpec,
    PopulationRecord,
    Spec,
    StimulusRecord,
)

_RECORDS: dict[str, Any] = {
    "populations": PopulationRecord,
    "connections": ConnectionRecord,
    "modulators": ModulatorRecord,
    "oscillators": OscillatorSpec,
    "stimulus": StimulusRecord,
    "global_attention": GlobalAttentionSpec,
    "meta_learning": MetaLearningSpec,
    "restart": RestartSpec,
}


@dataclass(frozen=True)
class Handle:
    """An object of a :class:`Network`, to refer to it; its name does as well."""

    name: str

    def __str__(self) -> str:
        return self.name


class Network:
    """A network under construction. Keyword arguments are the fields of the records (``records.py``).

    Where an array is allowed, pass a number, nested lists, a numpy array, ``{"init": ...}``, or ``{"npz": file,
    "key": name}`` with the ``folder`` that the file is in. Each method raises InputError that names the wrong field;
    :meth:`spec` checks the references.
    """

    def __init__(self, name: str, description: str = "", folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._data: dict[str, Any] = {"hmn_lava": VERSION, "name": name, "description": description}

    def include(self, spec: Spec) -> None:
        """Take in all records of another spec, such as an imported network, to add others to them.

        Raises InputError for a name that is there already, and for arrays in files outside of the ``folder``.
        """
        if self._folder is None:
            self._folder = spec.folder
        self._data = extended(self._data, spec, self._folder)

    def input(self, name: str, size: int, **fields: Any) -> Handle:
        """Add an input population: ``signal``, ``range``."""
        return self._add("populations", name, {"type": "input", "size": size, **fields})

    def hmn(self, name: str, size: int, *, activation: str, **fields: Any) -> Handle:
        """Add a population of HMN neurons: ``activation``, ``lif``, ``bias``, ``noise``, ``competition``, ``z_max``."""
        return self._add("populations", name, {"type": "hmn", "size": size, "activation": activation, **fields})

    def lif(self, name: str, size: int, **fields: Any) -> Handle:
        """Add LIF neurons.

        Fields: ``du``, ``dv``, ``vth``, ``bias``, ``reset``, ``v_reset``, ``refractory``, ``output``, ``z_max``.
        """
        return self._add("populations", name, {"type": "lif", "size": size, **fields})

    def sigma_delta(self, name: str, size: int, **fields: Any) -> Handle:
        """Add sigma-delta neurons: ``sum``, ``difference``, ``activation``, ``vth``, ``bias``, ``z_max``."""
        return self._add("populations", name, {"type": "sigma_delta", "size": size, **fields})

    def resonator(self, name: str, size: int, **fields: Any) -> Handle:
        """Add resonate-and-fire neurons: ``decay_re``, ``decay_im``, ``vth``, ``spike``."""
        return self._add("populations", name, {"type": "resonator", "size": size, **fields})

    def connect(
        self,
        source: Handle | str,
        target: Handle | str,
        *,
        weights: Any,
        rates: Any,
        name: str | None = None,
        **fields: Any,
    ) -> Handle:
        """Add synapses that learn; without a name they are called source_to_target.

        Fields: ``bounds``, ``delay``, ``topology``, ``traces``, ``learning``, ``modulators``, ``attention``,
        ``phase_gate``, ``probabilistic_gate``.
        """
        return self._connect("hmn", source, target, name, {"weights": weights, "rates": rates, **fields})

    def connect_hebbian(
        self,
        source: Handle | str,
        target: Handle | str,
        *,
        weights: Any,
        rate: Any,
        name: str | None = None,
        **fields: Any,
    ) -> Handle:
        """Add synapses that learn from spikes and voltages.

        Fields: ``offset``, ``tau_w``, ``full``, ``bounds``, ``delay``, ``topology``, ``learning``.
        """
        return self._connect("hebbian", source, target, name, {"weights": weights, "rate": rate, **fields})

    def connect_static(
        self, source: Handle | str, target: Handle | str, *, weights: Any, name: str | None = None, **fields: Any
    ) -> Handle:
        """Add synapses whose weights stay: ``delay``, ``topology``, ``component``."""
        return self._connect("static", source, target, name, {"weights": weights, **fields})

    def connect_conv(
        self,
        source: Handle | str,
        target: Handle | str,
        *,
        weights: Any,
        input_shape: Any,
        name: str | None = None,
        **fields: Any,
    ) -> Handle:
        """Add a convolution: ``stride``, ``padding``, ``dilation``, ``groups``, ``delay``, ``component``."""
        return self._connect("conv", source, target, name, {"weights": weights, "input_shape": input_shape, **fields})

    def connect_pool(
        self,
        source: Handle | str,
        target: Handle | str,
        *,
        kernel: Any,
        input_shape: Any,
        name: str | None = None,
        **fields: Any,
    ) -> Handle:
        """Add a pool: ``stride``, ``padding``, ``weight``, ``delay``, ``component``."""
        return self._connect("pool", source, target, name, {"kernel": kernel, "input_shape": input_shape, **fields})

    def modulator(self, name: str, *, type: str, source: Handle | str, **fields: Any) -> Handle:
        """Add a modulator of type input, reward, uncertainty or novelty: ``weight``, ``key``, ``mean_rate``, ``on``."""
        return self._add("modulators", name, {"type": type, "source": source, **fields})

    def oscillator(self, name: str, *, period: float, phase: float = 0.0) -> Handle:
        """Add an oscillator of ``period`` steps that starts at ``phase`` rad."""
        return self._add("oscillators", name, {"period": period, "phase": phase})

    def global_attention(self, *, context: Handle | str, **fields: Any) -> None:
        """Switch global attention on: ``beta``, ``dimensions``, ``rate``, ``key``."""
        self._data["global_attention"] = _checked(
            "global_attention", "global_attention", {"context": context, **fields}
        )

    def meta_learning(self, **fields: Any) -> None:
        """Switch meta-learning on: ``method``, ``parameters``, ``every``, ``rate``, ``epsilon``, ``bounds``."""
        self._data["meta_learning"] = _checked("meta_learning", "meta_learning", fields)

    def stimulus(self, population: Handle | str, *, type: str, **fields: Any) -> None:
        """Say what feeds an input where nothing is given.

        Types: bernoulli (``rate``, ``value``), constant (``value``), npz (``file``, ``key``).
        """
        self._add("stimulus", str(population), {"type": type, **fields})

    def restart(self, every: int, at: int = 0) -> None:
        """Let all neurons of static networks begin anew every so many steps: a sample after the other."""
        self._data["restart"] = _checked("restart", "restart", {"every": every, "at": at})

    def format(self, signal: str, bits: int | str) -> None:
        """Give a signal, such as ``readout.w``, a number of bits, or a whole format, such as s8.6."""
        self._data.setdefault("formats", {})[signal] = bits

    def spec(self) -> Spec:
        """Return the spec, with its references checked; raises InputError that names all wrong fields."""
        return read_record(self._data, folder=self._folder)

    def _connect(
        self, type: str, source: Handle | str, target: Handle | str, name: str | None, fields: dict[str, Any]
    ) -> Handle:
        return self._add(
            "connections", name or f"{source}_to_{target}", {"type": type, "source": source, "target": target, **fields}
        )

    def _add(self, section: str, name: str, fields: dict[str, Any]) -> Handle:
        records = self._data.setdefault(section, {})
        if name in records:
            raise Problem(f"{section}.{name}", "is there already", "give each object a name of its own").error()
        records[name] = _checked(section, f"{section}.{name}", fields)
        return Handle(name)


def _checked(section: str, field: str, fields: dict[str, Any]) -> Any:
    kind = _RECORDS[section]
    try:
        return TypeAdapter(kind).validate_python(_names(fields))
    except ValidationError as error:
        raise error_of(problems_of(error, kind, field)) from None


def _names(value: Any) -> Any:
    """Replace handles by their names, at any depth."""
    if isinstance(value, Handle):
        return value.name
    if isinstance(value, Mapping):
        return {key: _names(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(item, Handle) for item in value):
        return [_names(item) for item in value]
    return value
