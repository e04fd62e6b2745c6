"""The hebbian rule in floats, against its equation in rational numbers, sign by sign and step by step."""

import math
from fractions import Fraction

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.reference import Reference
from hmn_lava.reference import equations as eq
from hmn_lava.spec import resolve, spec_from_dict

BOUNDS = (-1.0, 1.0)


def change(w=0.25, x=1.0, voltage=0.5, decay=1.0, rate=0.5, offset=0.0, full=1.0, bounds=BOUNDS):
    one = (np.array([value]) for value in (w, x, voltage))
    return float(eq.hebbian_weights(*one, decay, rate, offset, full, bounds)[0]) - w


def test_the_sign_of_every_factor():
    assert change() == 0.25  # eta S rho
    assert change(rate=0.0) == change(x=0.0) == change(voltage=0.0) == 0.0
    assert change(x=-1.0) == change(x=0.01) == 0.25  # a spike is what is not 0
    assert change(offset=0.5) == 0.5 and change(offset=-0.75) == -0.125
    assert change(offset=-0.5) == 0.0  # where rho = -beta
    assert change(voltage=9.0) == change(voltage=1.0) == 0.5  # rho is 1 at most
    assert change(voltage=-9.0, offset=-0.5) == change(voltage=0.0, offset=-0.5) == -0.25  # and 0 at least
    assert change(full=2.0) == 0.125
    assert change(x=0.0, decay=0.5) == -0.125 and change(decay=0.5, w=-0.25, x=0.0) == 0.125
    assert change(w=0.9) == pytest.approx(0.1) and change(w=-0.9, offset=-2.0) == pytest.approx(-0.1)


def network(**fields):
    given = {"type": "hebbian", "source": "x", "target": "y", "weights": [[0.25, -0.5]] * 3, "rate": 0.0625, **fields}
    return resolve(
        spec_from_dict(
            {
                "hmn_lava": 1,
                "name": "n",
                "populations": {
                    "x": {"type": "input", "size": 2, "range": [-1, 1]},
                    "y": {"type": "lif", "size": 3, "dv": 0.25, "vth": 0.75, "bias": [0.125, 0.25, -0.125]},
                },
                "connections": {
                    "w1": {"type": "static", "source": "x", "target": "y", "weights": 0.5},
                    "w2": given,
                },
            }
        )
    )


@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("tau", [None, 4.0])
def test_a_run_is_the_equation_in_rational_numbers(tau, delay):
    """LIF and rule by hand, with fractions: the voltage before the reset, of the same step as the spike."""
    model = network(tau_w=tau, offset=-0.25, delay=delay)
    inputs = np.random.default_rng(0).choice([-1.0, 0.0, 0.0, 0.5, 1.0], (40, 2))
    run = Reference(model).run({"x": inputs}, 40, ["w2.w", "y.z"])
    kept = Fraction(1) if tau is None else Fraction(math.exp(-1 / tau))
    bias = [Fraction(1, 8), Fraction(1, 4), Fraction(-1, 8)]
    w = [[Fraction(1, 4), Fraction(-1, 2)] for _ in range(3)]
    v = [Fraction(0)] * 3
    for t in range(40):
        x = [Fraction(n) for n in inputs[t]]
        late = [Fraction(n) for n in inputs[t - delay]] if t >= delay else [Fraction(0)] * 2
        for j in range(3):
            drive = sum(n * Fraction(1, 2) for n in x) + sum(a * n for a, n in zip(w[j], late, strict=True))
            volts = v[j] * Fraction(3, 4) + drive + bias[j]
            fires = volts > Fraction(3, 4)
            v[j] = Fraction(0) if fires else volts
            rho = min(max(volts / Fraction(3, 4), Fraction(0)), Fraction(1))
            for i in range(2):
                moved = kept * w[j][i] + Fraction(1, 16) * (late[i] != 0) * (rho - Fraction(1, 4))
                w[j][i] = min(max(moved, Fraction(-1)), Fraction(1))
            assert run["y.z"][t, j] == fires
        assert run["w2.w"][t].reshape(3, 2) == pytest.approx(np.array(w, dtype=float), abs=1e-12)
    assert run["y.z"].any() and not run["y.z"].all()


def test_learning_can_be_switched_off_and_weights_set():
    reference = Reference(network())
    reference.learning = False
    reference.run({"x": np.ones((5, 2))}, 5)
    assert reference["w2.w"].tolist() == [0.25, -0.5] * 3
    reference.learning = True
    reference["w2.w"] = np.full(6, 0.5)
    reference.step({"x": [1.0, 0.0]})
    assert (reference["w2.w"].reshape(3, 2)[:, 0] != 0.5).any()
    with pytest.raises(InputError, match="within"):
        reference["w2.w"] = np.full(6, 1.5)
    with pytest.raises(InputError, match="does not learn"):
        reference.tune("w2", eta_local=0.1)
    still = Reference(network(learning=False))
    still.run({"x": np.ones((5, 2))}, 5)
    assert still["w2.w"].tolist() == [0.25, -0.5] * 3
