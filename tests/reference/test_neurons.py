"""The neurons of static networks in float64: values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hmn_lava.reference import Reference
from hmn_lava.reference.neurons import lif_step, resonator_step, sigma_delta_step
from hmn_lava.spec import resolve, spec_from_dict
from hmn_lava.spec.model import Lif, Resonator, SigmaDelta


def one(x: float) -> np.ndarray:
    return np.array([x])


def lif(**fields: object) -> Lif:
    return Lif(one(0.5), one(0.25), one(1.0), **fields)  # type: ignore[arg-type]


def test_a_lif_decays_and_fires_above_its_threshold() -> None:
    z, u, v, rest = lif_step(one(0.4), one(0.8), one(0.0), one(0.1), one(0.05), lif())
    assert u[0] == pytest.approx(0.2 + 0.1)
    assert v[0] == pytest.approx(0.6 + 0.3 + 0.05) and z[0] == 0 and rest[0] == 0
    z, u, v, rest = lif_step(one(0.4), one(0.8), one(0.0), one(0.2), one(0.05), lif())
    assert z[0] == 1 and v[0] == 0 and u[0] == pytest.approx(0.4)  # 0.6 + 0.4 + 0.05 is above 1
    z, *_ = lif_step(one(0.0), one(0.0), one(0.0), one(1.0), one(0.0), lif())
    assert z[0] == 0  # at the threshold, not above


def test_resets() -> None:
    arguments = one(0.4), one(0.8), one(0.0), one(0.2), one(0.05)
    assert lif_step(*arguments, lif(v_reset=one(-0.3)))[2][0] == -0.3
    assert lif_step(*arguments, lif(reset="subtract"))[2][0] == pytest.approx(0.05)


def test_a_refractory_neuron_rests_while_its_current_goes_on() -> None:
    form, state = lif(refractory=2), (one(0.0), one(0.0), one(0.0))
    fired, currents, voltages = [], [], []
    for _ in range(6):
        z, *state = lif_step(*state, one(3.0), one(0.0), form)  # type: ignore[misc]
        fired.append(z[0])
        currents.append(state[0][0])
        voltages.append(state[1][0])
    assert fired == [1, 0, 0, 1, 0, 0] and voltages == [0] * 6
    assert currents[:3] == [3.0, 4.5, 5.25]


def test_a_voltage_that_is_sent_has_no_threshold_and_saturates() -> None:
    form = lif(output="voltage", z_max=1.5)
    z, _, v, _ = lif_step(one(0.0), one(2.0), one(0.0), one(0.25), one(0.0), form)
    assert v[0] == 1.75 and z[0] == 1.5
    z, _, v, _ = lif_step(one(0.0), one(-1.0), one(0.0), one(0.25), one(0.0), form)
    assert v[0] == z[0] == -0.5


def test_sigma_delta_keeps_what_it_does_not_send() -> None:
    form = SigmaDelta(True, True, "relu", one(0.5), 8.0)
    state = (one(0.0), one(0.0), one(0.0))
    sent = []
    for a in (0.3, 0.1, 0.2, -0.9, 0.1):
        z, *state = sigma_delta_step(*state, one(a), one(0.0), form)  # type: ignore[misc]
        sent.append(round(float(z[0]), 12))
    # sums 0.3 0.4 0.6 -0.3 -0.2; rectified 0.3 0.4 0.6 0 0: a change of 0.6 in all is sent, then all of it back
    assert sent == [0, 0, 0.6, -0.6, 0]
    assert sum(sent) == state[1][0] == 0 and state[0][0] == pytest.approx(-0.2)


def test_parts_of_sigma_delta() -> None:
    state = (one(0.0), one(0.2), one(0.0))
    encode = SigmaDelta(False, True, "unit", one(0.1), 8.0)
    z, sigma, act, residue = sigma_delta_step(*state, one(-0.3), one(0.05), encode)
    assert (z[0], sigma[0], act[0], residue[0]) == pytest.approx((-0.45, -0.3, -0.25, 0.0))
    decode = SigmaDelta(True, False, "unit", one(0.0), 0.5)
    z, sigma, *_ = sigma_delta_step(one(0.9), *state[1:], one(-2.0), one(0.0), decode)
    assert sigma[0] == -1.1 and z[0] == -0.5
    relay = SigmaDelta(False, False, "relu", one(0.0), 8.0)
    assert sigma_delta_step(*state, one(-0.3), one(0.5), relay)[0][0] == pytest.approx(0.2)


def test_a_resonator_turns_and_fires_by_phase() -> None:
    form = Resonator("phase", one(0.8), one(0.6), one(0.5))
    z, re, im = resonator_step(one(1.0), one(0.0), one(0.0), one(0.1), form)
    assert (re[0], im[0], z[0]) == pytest.approx((0.8, 0.7, 0))  # im was not below 0
    z, re, im = resonator_step(one(0.9), one(-0.4), one(0.0), one(0.0), form)
    assert (re[0], im[0], z[0]) == pytest.approx((0.72 + 0.24, 0.54 - 0.32, 1))
    assert resonator_step(one(0.9), one(-0.4), one(-0.6), one(0.0), form)[0][0] == 0  # re is too small


def test_izhikevichs_resonator_begins_again_below_its_threshold() -> None:
    form = Resonator("izhikevich", one(0.8), one(0.6), one(0.5))
    z, re, im = resonator_step(one(1.0), one(0.0), one(0.0), one(0.1), form)
    assert z[0] == 1 and re[0] == 0 and 0.4999 < im[0] < 0.5


@pytest.mark.parametrize("record", [{"type": "lif", "vth": 9.0}, {"type": "sigma_delta"}])
def test_a_restart_begins_anew(record: dict[str, object]) -> None:
    data = {
        "hmn_lava": 1,
        "name": "restart",
        "populations": {
            "x": {"type": "input", "size": 1},
            "y": {"size": 1, "restart": {"every": 4, "at": 1}, **record},
        },
        "connections": {"c": {"type": "static", "source": "x", "target": "y", "weights": 1.0}},
    }
    state = "y.v" if record["type"] == "lif" else "y.sigma"
    history = Reference(resolve(spec_from_dict(data))).run({"x": np.ones((12, 1))}, 12, [state])[state][:, 0]
    assert np.array_equal(history[1:5], history[5:9]) and history[0] == history[1] == history[5] < history[2]
