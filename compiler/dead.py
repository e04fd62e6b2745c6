"""How static weights are scaled, and what of them is lost by it: neurons all of whose weights are stored as zero."""

from __future__ import annotations

import numpy as np

from hmn_lava.compiler.channels import shifted
from hmn_lava.compiler.quantise import Formats
from hmn_lava.errors import Finding, InputError
from hmn_lava.spec import Spec
from hmn_lava.spec.convolution import ConvConnection
from hmn_lava.spec.model import Connection, Model
from hmn_lava.spec.records import StaticConnection

SCALES = ("tensor", "channel")
LOST = 0.5
"""The share of a connection's weights from which it is said that they are stored as zero."""


def with_scale(spec: Spec, scale: str | None) -> Spec:
    """The spec whose static connections have this scale of their weights, where they do not name one.

    Raises InputError for a scale that is none.
    """
    if scale is None:
        return spec
    if scale not in SCALES:
        raise InputError("no such scale", field="scale", value=scale, remedy=f"one of: {', '.join(SCALES)}")
    connections = {
        name: record.model_copy(update={"scale": scale})
        if isinstance(record, (StaticConnection, ConvConnection)) and record.scale is None
        else record
        for name, record in spec.connections.items()
    }
    found = spec.model_copy(update={"connections": connections})
    found._folder, found._file = spec.folder, spec.file
    return found


def dead(model: Model, formats: Formats) -> list[Finding]:
    """A warning for each static connection that rounding leaves without some neurons, or without most weights."""
    findings = []
    for c in model.connections.values():
        if c.rule is None and c.n_syn and not c.learns:
            findings += _of(c, formats)
    return findings


def _of(c: Connection, formats: Formats) -> list[Finding]:
    format, extra = formats.weight[c.name], formats.extra.get(c.name)
    asked = c.topology.row_sums(lambda part: (c.weights[part] != 0).astype(np.float64))
    kept = c.topology.row_sums(lambda part: (format.quantise(shifted(c, extra, part)) != 0).astype(np.float64))
    silent, lost = int(np.sum((asked > 0) & (kept == 0))), float(asked.sum() - kept.sum())
    remedy = (
        "Scale the weights per channel (scale: channel, or compile --scale channel), or ask for more bits (formats)."
    )
    place, found = f"connections.{c.name}.weights", []
    if silent:
        used = f"{silent} of {c.n_post} neurons have no weight left"
        found.append(Finding("dead-neurons", place, used, "one weight or more", "warning", remedy))
    if lost > LOST * max(asked.sum(), 1.0):
        used = f"{lost:.0f} of {asked.sum():.0f} weights are stored as 0"
        found.append(Finding("dead-weights", place, used, f"{LOST:.0%}", "warning", remedy))
    return found
