"""The spec: what a network is, as its author writes it (records) and as all else reads it (the resolved model)."""

from hmn_lava.spec.builder import Handle, Network
from hmn_lava.spec.check import signals
from hmn_lava.spec.dump import dump_spec, spec_to_dict
from hmn_lava.spec.load import load_spec, spec_from_dict
from hmn_lava.spec.model import (
    Attention,
    Connection,
    Gate,
    GlobalAttention,
    Lif,
    Model,
    Modulator,
    Oscillator,
    Phase,
    Population,
    Rule,
    resolve,
)
from hmn_lava.spec.records import Spec
from hmn_lava.spec.schema import json_schema
from hmn_lava.spec.stimulus import stimulus_inputs

__all__ = [
    "Attention",
    "Connection",
    "Gate",
    "GlobalAttention",
    "Handle",
    "Lif",
    "Model",
    "Modulator",
    "Network",
    "Oscillator",
    "Phase",
    "Population",
    "Rule",
    "Spec",
    "dump_spec",
    "json_schema",
    "load_spec",
    "resolve",
    "signals",
    "spec_from_dict",
    "spec_to_dict",
    "stimulus_inputs",
]
