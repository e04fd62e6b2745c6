"""The spec whose real numbers are those that a bundle's integers stand for."""

from __future__ import annotations

from typing import Any

import numpy as np

from hmn_lava.bundle import Bundle
from hmn_lava.fixed import Fixed
from hmn_lava.spec import Spec, spec_from_dict
from hmn_lava.spec.convolution import kernel_of
from hmn_lava.spec.materialise import Source

FIELDS = ("weights", "bias", "du", "dv", "vth", "v_reset", "decay_re", "decay_im")
"""Parameters of populations and connections that become integers."""


def stored(bundle: Bundle) -> Spec:
    """A bundle's spec with each parameter as the chip holds it: the nearest integer of its format, times its unit.

    Every array is in place: initialisers are drawn, files are read.
    """
    formats = {row["parameter"]: Fixed.parse(row["format"]) for row in bundle.lowering}
    model = bundle.model
    spec = bundle.spec
    data: dict[str, Any] = spec.model_dump(by_alias=True, exclude_unset=True)
    for section in ("populations", "connections"):
        for name, record in data[section].items():
            for field in FIELDS:
                format = formats.get(f"{section}.{name}.{field}")
                if format is None:
                    continue
                key = "weight" if record["type"] == "pool" else field
                record[key] = _value(model, spec, section, name, field, format)
    return spec_from_dict(data, spec.folder)


def _value(model: Any, spec: Spec, section: str, name: str, field: str, format: Fixed) -> Any:
    if section == "connections":
        link = model.connections[name]
        record = spec.connections[name]
        real = format.real(format.quantise(link.weights))
        if record.type == "pool":
            return float(format.real(format.quantise(record.weight)))
        if record.type == "conv":
            kernel = kernel_of(record, name, Source(spec.folder, model.seed)).weights
            return format.real(format.quantise(kernel))
        if link.dense:
            return real.reshape(link.n_post, link.n_pre)
        if record.topology == "one_to_one":
            return real
        full = np.zeros((link.n_post, link.n_pre))
        full[link.row, link.col] = real
        return full
    population = model.populations[name]
    owner = population if field == "bias" else (population.lif or population.resonator)
    values = np.atleast_1d(getattr(owner, field))
    real = format.real(format.quantise(values))
    return float(real[0]) if real.size == 1 else real
