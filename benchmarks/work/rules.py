"""Learning rules that the engine cases run, as the keywords of Lava's learning rules; ``factors`` says which of them.

Coefficients are such that weights and tags move and do not stick to their ends (``--activity`` of the engine case shows
by how much). All act in every step: an epoch has one.
"""

from __future__ import annotations

from typing import Any

RULES: dict[str, dict[str, Any]] = {
    "three-factor": {  # both x traces, both tags with decays of their own, two modulators
        "factors": 3,
        "dw": "2^-5*u0*t*y2 - 2^-6*u0*d*y3",
        "dd": "2^-2*y0*x2 - 2^-4*u0*d",
        "dt": "2^-1*y0*x1 - 2^-1*x0*y1 - 2^-5*u0*t",
        "x1_impulse": 64.0,
        "x1_tau": 10.0,
        "x2_impulse": 32.0,
        "x2_tau": 40.0,
    },
    "r-stdp": {  # one tag, one modulator
        "factors": 3,
        "dw": "2^-6*u0*t*y2 - 2^-6*u0*t*y3",
        "dt": "2^-1*y0*x1 - 2^-1*x0*y1 - 2^-5*u0*t",
        "x1_impulse": 64.0,
        "x1_tau": 10.0,
    },
    "stdp": {  # pairs of spikes alone: most synapses have nothing to do in a step
        "factors": 2,
        "dw": "2^-3*y0*x1 - 2^-3*x0*y1",
        "x1_impulse": 64.0,
        "x1_tau": 10.0,
        "y1_impulse": 64.0,
        "y1_tau": 10.0,
    },
}
