"""The probabilistic gate: frequencies are the equation's probabilities, whatever the sign of dw."""

import numpy as np
import pytest

from hmn_lava import streams
from hmn_lava.components.gate import open_gate
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.builder import Builder
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ranges import overflows
from hmn_lava.microcode.verify import verify
from hmn_lava.reference import equations as eq

DW, BETA, THRESHOLD = Fixed(23, True, 22), Fixed(18, False, 10), Fixed(18, False, 20)


def gate():
    b = Builder("gate")
    dw, time = b.input("dw", DW), b.raw("time")
    b.observe("open", open_gate(b, dw, b.constant("beta", BETA), b.constant("threshold", THRESHOLD), time))
    return b.build()


GATE = gate()
N = 100_000


def opened(dw, beta, threshold, t=0, name="readout.gate", n=N):
    constants = {"beta": int(BETA.quantise(beta)), "threshold": int(THRESHOLD.quantise(threshold))}
    constants |= {f"gate_k{k}": key for k, key in enumerate(streams.keys(0, name))}
    inputs = {"dw": np.broadcast_to(DW.quantise(dw), n)}
    return execute(GATE, states={}, inputs=inputs, constants=constants, index=np.arange(n), time=t).observed["open"]


def test_the_program_is_well_formed():
    assert verify(GATE) == []
    assert overflows(GATE) == []


@pytest.mark.parametrize("dw", [0.0, 0.01, -0.01, 0.05, -0.05, 0.4, -0.4])
@pytest.mark.parametrize(("beta", "threshold"), [(50.0, 0.01), (5.0, 0.2), (200.0, 0.03)])
def test_the_frequency_is_the_probability(dw, beta, threshold):
    p = float(eq.gate_probability(np.array([dw]), beta, threshold)[0])
    observed = opened(dw, beta, threshold).mean()
    # Four standard deviations; the draw has 16 bits, and the sigmoid's argument is off by its parameters' rounding,
    # below 2**-10.
    assert abs(observed - p) < 4 * np.sqrt(p * (1 - p) / N) + 2**-16 + 2**-12


def test_the_sign_of_dw_does_not_matter():
    assert (opened(0.03, 50.0, 0.01) == opened(-0.03, 50.0, 0.01)).all()


def test_a_gate_opens_where_the_draw_is_below_p():
    rng = np.random.default_rng(0)
    dw = DW.real(DW.quantise(rng.normal(0, 0.05, 5000)))
    p = eq.gate_probability(dw, 50.0, THRESHOLD.real(THRESHOLD.quantise(0.01)))
    draw = streams.uniform(0, "readout.gate", 7, np.arange(5000)) / 2**16
    clear = np.abs(draw - p) > 2**-14
    assert clear.mean() > 0.99
    assert (opened(dw, 50.0, 0.01, t=7, n=5000) == (draw < p))[clear].all()


def test_draws_are_new_in_each_step_and_synapse():
    a, b = opened(0.0, 50.0, 0.0, t=1), opened(0.0, 50.0, 0.0, t=2)
    for other in (b, np.roll(a, 1), opened(0.0, 50.0, 0.0, t=1, name="other.gate")):
        assert abs((a == other).mean() - 0.5) < 4 * 0.5 / np.sqrt(N)


def test_far_from_the_threshold_it_is_sure():
    assert opened(0.9, 200.0, 0.1, n=5000).all()
    assert not opened(0.0, 255.0, 0.2, n=5000).any()
