"""Other meta-parameters in the records of a spec."""

from __future__ import annotations

from collections.abc import Mapping

from hmn_lava.spec.records import HmnConnection, Spec

PLACES = {
    "eta_local": ("rates", "local"),
    "eta_global": ("rates", "global_"),
    "beta_attention": ("attention", "beta"),
    "beta_gate": ("probabilistic_gate", "beta"),
    "tau_fast": ("traces", "tau_fast"),
    "tau_slow": ("traces", "tau_slow"),
}
"""Where a connection's record has each meta-parameter."""


def with_parameters(spec: Spec, values: Mapping[str, float]) -> Spec:
    """The spec with these meta-parameters in every connection that learns and has them."""
    connections = {
        name: _record_with(c, values) if isinstance(c, HmnConnection) and c.learning else c
        for name, c in spec.connections.items()
    }
    return spec.model_copy(update={"connections": connections})


def _record_with(record: HmnConnection, values: Mapping[str, float]) -> HmnConnection:
    for name, value in values.items():
        part, key = PLACES[name]
        found = getattr(record, part)
        if found is not None and getattr(found, key) is not None:
            record = record.model_copy(update={part: found.model_copy(update={key: float(value)})})
    return record
