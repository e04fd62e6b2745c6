"""Probes: their text form, their windows, their memory; and what a result makes of the records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.network import Signal
from hmn_lava.simulator.probes import MEMORY_LIMIT, Probe, Recorder
from hmn_lava.simulator.result import Result

SIGNALS = {
    "out.z": Signal("out", "z", "output", Fixed(17, False, 16), 2, (3,)),
    "readout.w": Signal("readout.synapse", "w", "state", Fixed(22, True, 20), 3, (2, 3)),
    "huge.w": Signal("huge.synapse", "w", "state", Fixed(22, True, 20), 3, (1 << 12, 1 << 12)),
}


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("out.z", Probe("out.z")),
        ("out.z@", Probe("out.z")),
        ("out.z@5", Probe("out.z", 5)),
        ("out.z@5:9", Probe("out.z", 5, 9)),
        ("out.z@:9", Probe("out.z", 0, 9)),
        ("out.z@::3", Probe("out.z", 0, None, 3)),
        ("out.z@5:9:2", Probe("out.z", 5, 9, 2)),
        ("out.z@5::", Probe("out.z", 5)),
    ],
)
def test_text_form(text, probe):
    assert Probe.parse(text) == probe


@pytest.mark.parametrize(
    "text",
    [
        "out.z@a",
        "out.z@1:2:3:4",
        "out.z@-1",
        "out.z@5:5",
        "out.z@5:4",
        "out.z@::0",
        "out.z@::-1",
        "out.z@:-3",
        "out.z@1.5",
        "z@1@2",
    ],
)
def test_what_is_not_a_probe(text):
    with pytest.raises(InputError) as caught:
        Probe.parse(text)
    assert caught.value.field == "probe"
    assert caught.value.value == text
    assert "NAME@start:stop:stride" in caught.value.remedy


WINDOWS = st.builds(Probe, st.just("out.z"), st.integers(0, 12), st.none() | st.integers(13, 25), st.integers(1, 7))


@given(WINDOWS, st.integers(0, 20))
def test_samples_are_the_steps_of_the_window(probe, steps):
    expected = [
        t
        for t in range(steps)
        if t >= probe.start and (probe.stop is None or t < probe.stop) and (t - probe.start) % probe.stride == 0
    ]
    assert list(probe.samples(steps)) == expected
    recorder = Recorder([probe], SIGNALS, steps, np.int64)
    assert recorder.data["out.z"].shape == (len(expected), 3)
    for t in range(steps):
        assert recorder.wanted(t) == (["out.z"] if t in expected else [])
        for name in recorder.wanted(t):
            recorder.record(t, name, np.array([t, 2 * t, -t]))
    assert recorder.data["out.z"].tolist() == [[t, 2 * t, -t] for t in expected]


def test_several_signals_each_with_its_window_and_shape():
    recorder = Recorder(["out.z@::2", Probe("readout.w", 1)], SIGNALS, 4, np.int64)
    assert [recorder.wanted(t) for t in range(4)] == [["out.z"], ["readout.w"], ["out.z", "readout.w"], ["readout.w"]]
    recorder.record(1, "readout.w", np.arange(6))  # flat, as executors keep it
    assert recorder.data["readout.w"][0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert recorder.data["readout.w"].shape == (3, 2, 3)


def test_an_unknown_signal_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"(?s)no such signal.*huge\.w, out\.z, readout\.w") as caught:
        Recorder(["out.a"], SIGNALS, 4, np.int64)
    assert caught.value.value == "out.a"


def test_a_signal_has_one_probe():
    """Two windows of one signal would need two names in the result."""
    with pytest.raises(InputError, match="twice"):
        Recorder(["out.z@0:2", "out.z@3:4"], SIGNALS, 4, np.int64)


def test_memory_is_bounded_before_the_run():
    """2**24 synapses of 8 bytes: 2**27 bytes a sample, so that 8 samples are 1 GiB and 9 are too many."""
    assert MEMORY_LIMIT == 1 << 30
    with pytest.raises(InputError, match=r"too much memory.*1152 MiB"):
        Recorder(["huge.w"], SIGNALS, 9, np.int64)
    with pytest.raises(InputError, match="too much memory"):
        Recorder(["huge.w@::10"], SIGNALS, 10**12, np.int64)
    assert Recorder(["huge.w@7:9"], SIGNALS, 10**12, np.int8).data["huge.w"].shape == (2, 1 << 12, 1 << 12)


def test_a_result_shows_reals_outputs_and_counts():
    raw = {
        "out.z": np.array([[0, 1 << 16, 0], [1 << 15, 0, 0]]),
        "readout.w": np.array([[[0.5, 0.25, 0.0], [1.0, -1.0, 0.0]]]),  # the float reference keeps reals
    }
    result = Result("fast", 2, 10, SIGNALS, raw, ("out.z", "huge.w"))
    assert result.outputs.keys() == {"out.z"}
    assert result.outputs["out.z"].tolist() == [[0, 1, 0], [0.5, 0, 0]]
    assert result.probes["readout.w"].tolist() == raw["readout.w"].tolist()
    assert result.counts == {"out.z": 2}
