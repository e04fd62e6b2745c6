"""Encoders and their inverses, decoders, and a run that uses them."""

from __future__ import annotations

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava import decoding, encoding
from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Transform

VALUES = np.array([[0.0, 0.3, 1.0], [0.5, 1 / 3, 0.999]])


def test_even_spikes_are_what_a_bucket_overflows():
    """A bucket that x is poured into in each step, and that gives 1 when it is full."""
    spikes = encoding.even(VALUES, 9)
    assert spikes[1, :, 0].tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert spikes[1, :, 1].tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert spikes[0, :, 0].sum() == 0
    assert spikes[0, :, 2].sum() == 9
    for steps in (1, 7, 100):
        gap = VALUES - encoding.share(encoding.even(VALUES, steps))
        assert (gap >= -1e-9).all()
        assert (gap < 1 / steps).all()


def test_random_spikes_have_their_rate_and_their_seed():
    spikes = encoding.rate(np.full((1, 200), 0.3), 500, seed=3)
    assert set(np.unique(spikes)) == {0.0, 1.0}
    error = np.sqrt(0.3 * 0.7 / 500)
    rates = encoding.share(spikes)
    assert abs(rates.mean() - 0.3) < 4 * error / np.sqrt(200)
    assert 0.8 * error < rates.std() < 1.2 * error
    assert np.array_equal(spikes, encoding.rate(np.full((1, 200), 0.3), 500, seed=3))
    assert not np.array_equal(spikes, encoding.rate(np.full((1, 200), 0.3), 500, seed=4))
    assert encoding.rate(VALUES, 50)[0, :, 2].all()


def test_values_that_are_held():
    series = encoding.graded(VALUES - 2.0, 4)
    assert series.shape == (2, 4, 3)
    assert np.array_equal(encoding.held(series), VALUES - 2.0)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.7])
def test_changes_add_up_to_the_series(threshold):
    series = np.cumsum(np.random.default_rng(0).normal(scale=0.3, size=(3, 40, 5)), axis=1)
    changes = encoding.delta(series, threshold)
    sent = changes[changes != 0]
    assert (np.abs(sent) >= threshold).all()
    assert np.abs(encoding.summed(changes) - series).max() <= max(threshold, 1e-12)
    if threshold:
        assert (changes == 0).mean() > 0.1


def test_changes_are_those_of_a_sigma_delta_neuron():
    """Against the float reference's own neuron, which is another writing of it."""
    net = hl.Network("changes")
    net.input("x", 2, range=(-4, 4))
    net.sigma_delta("d", 2, sum=False, activation="unit", vth=0.25)
    net.connect_static("x", "d", weights=1.0, topology="one_to_one")
    series = np.clip(np.cumsum(np.random.default_rng(1).normal(scale=0.2, size=(30, 2)), axis=0), -4, 4)
    bundle = hl.compile(net.spec())
    late = bundle.network.latency("d.z")
    shown = bundle.run({"x": np.vstack([series, np.zeros((late, 2))])}, backend="reference").outputs["d.z"][late:]
    assert np.allclose(shown, encoding.delta(series[None], 0.25)[0])


def test_a_bias_is_a_whole_number_of_an_affine_transform():
    series = encoding.bias(VALUES, 3, weight=4.0, offset=-2.0)
    assert np.array_equal(series, encoding.encode("bias:4,-2.0", VALUES, 3))
    assert np.array_equal(series[:, 0], Transform(4, -2)(VALUES))  # as an imported network has it
    assert series[:, 0].tolist() == [[-2.0, 0.0, 2.0], [0.0, 0.0, 1.0]]
    assert np.array_equal(series[:, 0], series[:, 2])
    assert np.abs(encoding.unbiased(series, 4.0, -2.0) - VALUES).max() <= 1 / 4


@pytest.mark.parametrize(
    "call",
    [
        lambda: encoding.rate([[1.5]], 3),
        lambda: encoding.even([[float("nan")]], 3),
        lambda: encoding.graded([1.0], 3),
        lambda: encoding.graded([[1.0]], 0),
        lambda: encoding.delta([[[1.0]]], -1.0),
        lambda: encoding.delta([[1.0]]),
        lambda: encoding.unbiased([[[1.0]]], 0.0),
        lambda: encoding.encode("morse", [[1.0]], 3),
        lambda: encoding.encode("even", [[1.0]], None),
        lambda: encoding.encode("even:1,2", [[1.0]], 3),
        lambda: encoding.encode("bias:1", [[1.0]], 3),
        lambda: encoding.encode("bias:1,nan", [[1.0]], 3),
        lambda: encoding.encode("bias:", [[1.0]], 3),
    ],
)
def test_what_cannot_be_encoded(call):
    with pytest.raises(InputError):
        call()


def test_every_encoder_by_name_has_its_inverse():
    series = np.repeat(VALUES[:, None], 4, axis=1)
    for name, found in encoding.ENCODERS.items():
        given = series if name == "delta" else np.rint(VALUES)
        shown = encoding.encode(name, given, None if name == "delta" else 4)
        assert shown.shape == (2, 4, 3)
        assert np.allclose(found.decode(shown), given)


# decoders


def test_decoders_by_hand():
    z = np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.5, -3.0, 0.0]])
    assert decoding.count(z).tolist() == [1.5, -1.0, 0.0]
    assert decoding.last(z).tolist() == [0.5, -3.0, 0.0]
    assert decoding.membrane(z).tolist() == [1.0, 1.0, 0.0]
    assert decoding.count(np.stack([z, 2 * z])).tolist() == [[1.5, -1.0, 0.0], [3.0, -2.0, 0.0]]


def two_layers(delay: int = 0) -> hl.Spec:
    net = hl.Network("two")
    net.input("x", 3)
    net.lif("h", 3, du=1.0, dv=0.0, vth=0.5, reset="subtract")
    net.lif("out", 3, du=1.0, dv=0.0, output="voltage")
    net.connect_static("x", "h", weights=0.5, topology="one_to_one", delay=delay)
    net.connect_static("h", "out", weights=0.125, topology="one_to_one", delay=delay)
    return net.spec()


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("decode", ["last", "membrane", "count"])
def test_a_reader_finds_the_answer_behind_delays_and_latencies(delay, decode):
    bundle = hl.compile(two_layers(delay))
    reader = decoding.Reader(bundle, decode, None, 8)
    shown = encoding.graded(np.array([[1.0, 0.5, 0.2], [0.1, 0.2, 0.9], [0.3, 0.8, 0.2]]), 8)
    inputs, steps = reader.prepared({"x": shown})
    assert steps == 8 + 2 * delay + bundle.network.latency(reader.signal)
    from hmn_lava.simulator.batch import stacked

    assert reader.answers(stacked(bundle.run_batch(inputs, steps, [reader.signal]))) == [0, 2, 1]


def test_a_recurrent_output_answers():
    net = hl.Network("recurrent")
    net.input("x", 2)
    net.lif("out", 2)
    net.connect_static("x", "out", weights=1.0)
    net.connect_static("out", "out", name="back", weights=0.1, delay=1)
    assert decoding.output_of(net.spec()) == "out"


def test_which_population_answers():
    spec = two_layers()
    assert decoding.output_of(spec) == "out"
    assert decoding.output_of(spec, "h") == "h"
    with pytest.raises(InputError, match="no such population"):
        decoding.output_of(spec, "x")
    with pytest.raises(InputError, match="no such decoder"):
        decoding.decoder("oracle", spec, "h")
