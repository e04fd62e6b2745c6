"""What NIR leaves open, by name: it is continuous in time, and says neither how to discretise nor how a reset works.

The same numbers mean different spikes in different frameworks. Each was read in the framework's source; what its own
simulation does is matched by the convention of its name (``tests/interchange/frameworks``).
"""

from __future__ import annotations

from typing import Any, get_args

from hmn_lava.errors import InputError
from hmn_lava.spec.nir import NirConvention

CONVENTIONS: dict[str, NirConvention] = {
    "nir": NirConvention(),
    # Leaky, Synaptic: mem <- beta mem + x - reset threshold, where reset is of the step before (reset_mechanism
    # "subtract" and reset_delay, the defaults). "zero" is reset value in Leaky, value_held in RLeaky and Synaptic.
    "snntorch": NirConvention(reset="subtract_late"),
    # LIFBoxCell, LIBoxCell, LIFCell, IAFCell: Euler; the current of LIFCell jumps by x; IAFCell knows no dt.
    "norse": NirConvention(synapse="jump", integrator="step", start="leak"),
    # LIF: alpha = exp(-1 / tau) with norm_input; MembraneSubtract; spikes where v >= threshold.
    "sinabs": NirConvention(discretisation="exponential", reset="subtract", threshold="reached", integrator="step"),
    # v <- v + (x - (v - v_reset)) / tau, hard reset, spikes where v >= threshold.
    "spikingjelly": NirConvention(threshold="reached", start="leak"),
}


def convention_of(name: str = "nir", **changes: Any) -> NirConvention:
    """A convention by its framework's name, with fields changed; None leaves a field as it is. Raises InputError."""
    if name not in CONVENTIONS:
        remedy = f"use one of: {', '.join(CONVENTIONS)}"
        raise InputError("no such convention", field="convention", value=name, remedy=remedy)
    choices = {key: get_args(field.annotation) for key, field in NirConvention.model_fields.items()}
    given = {key: value for key, value in changes.items() if value is not None}
    for key, value in given.items():
        if key not in choices:
            raise InputError("no such option", field=key, remedy=f"use {', '.join(choices)}")
        if value not in choices[key]:
            raise InputError(f"no such {key}", field=key, value=value, remedy=f"use one of: {', '.join(choices[key])}")
    return CONVENTIONS[name].model_copy(update=given)
