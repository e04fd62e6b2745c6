"""One rule alone.

Values derived by hand, properties of per-synapse rounding, the profile's switches, and wrong arguments.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import Entries, random_case, simulated

from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LAVA, Engine, LearningRule, Levels, down_scaling, parse_rule, simulate

ROUNDINGS = ("lava", "per_synapse")
both = pytest.mark.parametrize("rounding", ROUNDINGS)


def one(
    rounding="lava",
    steps=5,
    weights=0,
    tag_1=0,
    tag_2=0,
    pre=0,
    post=0,
    y=None,
    sign_mode="mixed",
    profile=None,
    **rule,
):
    """One synapse with constant inputs: the histories as lists."""
    factors = 2 if y is None else 3
    history = simulate(
        {"factors": factors, **rule},
        np.broadcast_to(np.reshape(pre, (-1, 1)), (steps, 1)),
        np.broadcast_to(np.reshape(post, (-1, 1)), (steps, 1)),
        weights=[[weights]],
        tag_1=[[tag_1]],
        tag_2=[[tag_2]],
        y_traces=None if y is None else {name: np.full((steps, 1), value) for name, value in y.items()},
        rounding=rounding,
        sign_mode=sign_mode,
        profile=profile,
    )
    return {field.name: np.ravel(getattr(history, field.name)).tolist() for field in dataclasses.fields(history)}


def with_switch(profile, **switches):
    learning = profile.learning
    changed = {name: getattr(learning, name).model_copy(update={"value": value}) for name, value in switches.items()}
    return profile.model_copy(update={"learning": learning.model_copy(update=changed)})


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("u0*t", 0),
        ("x0*y1", 0),
        ("x0*x1*y1", 3),
        ("u0*y2*t", 5),
        ("u0*t*sgn(t)", 7),
        ("x0*y0*y1", 0),
        ("x0*x1*y1*w", 12),
    ],
)
def test_down_scaling(text, shift):
    """max(0, widths + 4 - 15): a trace is 7 wide, w, d, t and sgn 9, a spike 1; with a mantissa of 3 bits one less."""
    product = parse_rule(text).products[0]
    assert down_scaling(product, LAVA) == shift
    assert down_scaling(product, dataclasses.replace(LAVA, scaling_mantissa_bits=3)) == max(0, shift - 1)


@both
def test_a_product_is_scaled_down_before_its_exponent(rounding):
    """64 * 20 >> 5 = 40, in every step."""
    assert one(rounding, dw="u0*y2*t", tag_1=20, y={"y2": 64})["weights"] == [40, 80, 120, 160, 200]


@both
def test_a_product_of_a_sign_loses_seven_bits(rounding):
    """100 * 1 >> 7 = 0; 200 * 1 >> 7 = 1; -200 * -1 >> 7 = 1; and -1 >> 7 is -1, not 0."""
    for tag, change in ((100, 0), (200, 1), (-200, 1)):
        assert one(rounding, dt="u0*t*sgn(t)", tag_1=tag, steps=1)["tag_1"] == [tag + change]
    assert one(rounding, dt="-u0*t*sgn(t)", tag_1=1, steps=1)["tag_1"] == [0]


@both
def test_ranges(rounding):
    assert one(rounding, dd="-2^2*u0", tag_2=10)["tag_2"] == [6, 2, 0, 0, 0]
    assert one(rounding, dd="2^6*u0", tag_2=100)["tag_2"] == [164, 228, 255, 255, 255]
    assert one(rounding, dt="2^6*u0", tag_1=150)["tag_1"] == [214, 255, 255, 255, 255]
    assert one(rounding, dw="2^6*u0", weights=100, sign_mode="excitatory")["weights"] == [164, 228, 255, 255, 255]
    assert one(rounding, dw="-2^6*u0", weights=100, sign_mode="excitatory")["weights"] == [36, 0, 0, 0, 0]
    assert one(rounding, dw="-2^6*u0", weights=-100, sign_mode="inhibitory")["weights"] == [
        -164,
        -228,
        -255,
        -255,
        -255,
    ]


def test_the_lowest_tag_and_the_highest_weight_are_a_switch():
    """Lava's accumulator ends at -32769, which is -257 where no random number lifts it.

    And its mixed weights may be odd.
    """
    lava = one("lava", dt="-2^6*u0", tag_1=-200, dw="2^6*u0", weights=150, steps=400)
    assert lava["tag_1"][1:] == [-256] * 396 + [-257, -256, -256] and lava["weights"][2:] == [255] * 398
    loihi = one("per_synapse", dt="-2^6*u0", tag_1=-200, dw="2^6*u0", weights=150)
    assert loihi["tag_1"] == [-256] * 5 and loihi["weights"] == [214, 254, 254, 254, 254]


def test_mixed_weights_start_even_and_stay_even_on_the_chip():
    assert one("lava", dw="0*u0", weights=-7)["weights"] == [-8] * 5
    history = simulate({"dw": "2^-1*u0"}, np.zeros((40, 30)), np.zeros((40, 30)), np.zeros((30, 30), int), seed=3)
    assert (history.weights % 2 == 0).all()
    assert abs(history.weights[-1].mean() - 20) < 3 * math.sqrt(40 * 0.75) / 30  # 40 draws of 2 with probability 1/4


@both
def test_rules_are_applied_at_once_to_the_old_values(rounding):
    history = one(rounding, dw="u0*t", dt="-u0*t + u0*w", dd="u0*w", weights=8, tag_1=2, tag_2=0, steps=2)
    assert history["weights"] == [10, 18] and history["tag_1"] == [8, 10] and history["tag_2"] == [8, 18]


@both
@pytest.mark.parametrize(
    ("k", "epoch", "steps"), [(0, 1, [1, 2, 3]), (1, 1, [2, 4, 6]), (3, 1, [8, 16]), (0, 5, [5, 10]), (2, 3, [12, 24])]
)
def test_decimation_counts_epochs_from_the_first(rounding, k, epoch, steps):
    tags = np.array(one(rounding, steps=24, dt=f"u{k}", t_epoch=epoch)["tag_1"])
    assert (np.flatnonzero(np.diff(tags, prepend=0)) + 1).tolist()[: len(steps)] == steps


@both
def test_a_trace_without_decay_and_one_without_memory(rounding):
    history = one(rounding, dt="u0", pre=[1, 1, 0, 0], steps=4, x1_impulse=10, x1_tau=1e9, x2_impulse=10, x2_tau=0)
    assert history["x2"] == [10, 10, 0, 0]
    assert history["x1"][:2] in ([10, 20], [10, 19]) and history["x1"][3] >= 18


@both
def test_the_moment_of_each_dependency(rounding):
    """In an epoch of 4, pre at moment 2 and post at moment 3, no decay: x1 = 10, y1 = 20 from then on."""
    common = {"pre": [0, 1, 0, 0], "post": [0, 0, 1, 0], "steps": 4, "t_epoch": 4}
    traces = {"x1_impulse": 10, "x1_tau": 1e15, "y1_impulse": 20, "y1_tau": 1e15}
    for text, change in [
        ("x0*y1", 0),
        ("y0*x1", 10),
        ("x0*x1", 10),
        ("u0*y1", 20),
        ("x0*y0", 1),
        ("y0*y1*x0", 20),
        ("u1*x1", 0),
    ]:
        history = one(rounding, dt=text, **common, **traces)
        assert history["tag_1"] == [0, 0, 0, change], text
        assert history["tx"] == [0, 2, 2, 0] and history["ty"] == [0, 0, 3, 0] and history["y0"] == [0, 0, 1, 0]
        assert history["x1"] == [0, 0, 0, 10] and history["y1"] == [0, 0, 0, 20] and history["x0"] == [0] * 4


@both
def test_a_further_spike_in_an_epoch_adds_its_impulse_at_once(rounding):
    """Spikes at the moments 1 and 3: the second adds 10 at once, the epoch's end adds 10 more."""
    history = one(rounding, dt="u0", pre=[1, 0, 1, 0], steps=4, t_epoch=4, x1_impulse=10, x1_tau=1e15)
    assert history["x1"] == [0, 0, 10, 20] and history["tx"] == [1, 1, 3, 0]


@both
@pytest.mark.parametrize(
    ("mode", "x1", "x2", "tag"),
    [(0, [10, 20, 30, 40], [5, 10, 15, 20], 4), (1, [50, 64, 128, 128], [5, 10, 15, 15], 3),
     (2, [50, 114, 127, 127], [5, 10, 15, 15], 3), (3, [50, 114, 115, 115], [0, 0, 5, 5], 1)],
)  # fmt: skip
def test_graded_spikes(rounding, mode, x1, x2, tag):
    """Payloads 100, 128 and 255 (halved: 50, 64, 128), then none.

    An epoch's end clips to 127 where x0 counted a spike.
    """
    pre = [100, 128, 255, 1 if mode == 0 else 0]
    rule = {"dt": "x0", "x1_impulse": 10, "x1_tau": 1e15, "x2_impulse": 5, "x2_tau": 1e15}
    history = simulate(rule, np.reshape(pre, (4, 1)), np.zeros((4, 1)), [[0]], graded_spike_cfg=mode, rounding=rounding)
    assert history.x1[:, 0].tolist() == [min(value, 127) for value in x1]
    assert history.x2[:, 0].tolist() == x2
    assert history.tag_1[-1, 0, 0] == tag


def test_halves_of_odd_payloads_round_to_even():
    pre = np.array([[1, 2, 3, 5, 7, 600, -3]])
    history = simulate({"dt": "x0", "t_epoch": 2}, pre, np.zeros((1, 1)), np.zeros((1, 7)), graded_spike_cfg=1)
    assert history.x1.tolist() == [[0, 1, 2, 2, 4, 44, 254]]  # and wrap at eight bits


def test_lava_rounds_all_synapses_alike_and_ours_do_not():
    spikes, weights = np.zeros((64, 20)), np.zeros((20, 20), int)
    shared = simulate({"dt": "2^-4*u0"}, spikes, spikes, weights, rounding="lava")
    assert (shared.tag_1 == shared.tag_1[:, :1, :1]).all()
    own = simulate({"dt": "2^-4*u0"}, spikes, spikes, weights)
    assert abs(own.tag_1[-1].mean() - 4) < 3 * math.sqrt(64 * 15 / 256) / 20
    assert own.tag_1[-1].std() > 1.5
    assert abs(np.corrcoef(own.tag_1[:, 0, 0], shared.tag_1[:, 0, 0])[0, 1]) <= 1


def test_traces_decay_without_bias_where_each_neuron_draws():
    """Mean of 4000 traces after n steps: 100 * exp(-n/20); the same for a linear decay of 1 - 1/20."""
    pre = np.zeros((30, 4000))
    pre[0] = 1
    for form, factor in (("exponential", math.exp(-1 / 20)), ("linear", 0.95)):
        profile = with_switch(load_profile("loihi2"), trace_decay=form)
        rule = {"dt": "u0", "x1_impulse": 100, "x1_tau": 20, "x2_impulse": 2.25, "x2_tau": 1e9}
        history = simulate(rule, pre, np.zeros((30, 1)), np.zeros((1, 4000)), profile=profile, seed=1)
        means = history.x1.mean(axis=1)
        np.testing.assert_allclose(means, 100 * factor ** np.arange(30), atol=4 * 1.5 / math.sqrt(4000))
        assert abs(history.x2[0].mean() - 2.25) < 4 * 0.44 / math.sqrt(4000)


def test_lava_adds_a_quarter_half_of_the_time():
    """Its random number has seven bits and the fraction eight."""
    pre = np.eye(2000, dtype=int)[:, :1] + 1
    history = simulate({"dt": "u0", "x1_impulse": 0.25, "x1_tau": 0}, pre, np.zeros((2000, 1)), [[0]], rounding="lava")
    assert abs(history.x1.mean() - 0.5) < 0.05
    ours = simulate({"dt": "u0", "x1_impulse": 0.25, "x1_tau": 0}, pre, np.zeros((2000, 1)), [[0]])
    assert abs(ours.x1.mean() - 0.25) < 0.05


def test_the_sign_of_supplied_traces_is_a_switch():
    profile = load_profile("loihi2")
    signed = with_switch(profile, y_signed=True)
    common = {"dw": "u0*y1", "y": {"y1": -64}, "steps": 2, "post": 1}
    assert one("per_synapse", profile=profile, **common)["weights"] == [0, 0]
    assert one("per_synapse", profile=signed, **common)["weights"] == [-64, -128]
    assert one("lava", dw="u0*y1", y={"y1": -64}, steps=2)["weights"] == [-64, -128]
    assert one("lava", **common)["weights"] == [0, 0]  # in Lava a bAP clips them


def test_supplied_traces_are_held_through_an_epoch():
    history = one("per_synapse", dt="u0*y1", y={"y1": 3}, steps=63 * 3, t_epoch=63)
    assert history["tag_1"][-1] == 9 and set(history["y1"]) == {3}


def test_the_scaling_is_a_switch():
    three = with_switch(load_profile("loihi2"), scaling_mantissa_bits=3)
    assert one("per_synapse", profile=three, dw="u0*y2*t", tag_1=20, y={"y2": 64})["weights"] == [
        80,
        160,
        240,
        254,
        254,
    ]


def test_engines_of_the_profiles():
    for name in ("loihi1", "loihi2"):
        engine = Engine.of(load_profile(name))
        assert engine.weights == {
            "mixed": Levels(-256, 254, 2),
            "excitatory": Levels(0, 255),
            "inhibitory": Levels(-255, 0),
        }
        assert (engine.accumulator, engine.alignment, engine.trace_high) == ((-32768, 32767), 7, 127)
        assert engine.widths == LAVA.widths


def test_a_synapse_draws_the_same_number_in_a_sparse_connection():
    """Weights, tags and traces don't depend on which other synapses there are."""
    case = random_case(11, sparse=False)
    stored = np.random.default_rng(0).random(case["weights"].shape) < 0.5
    names = ("weights", "tag_1", "tag_2")
    sparse = {name: Entries(np.where(stored, case[name], 0), stored) for name in names}
    common = {"y_traces": case["y_traces"] if case["factors"] == 3 else None, "seed": 5, "sign_mode": case["sign_mode"]}
    rule = {"factors": case["factors"], **case["rule"]}
    dense = simulate(rule, case["pre"], case["post"], **{name: case[name] for name in names}, **common)
    found = simulate(rule, case["pre"], case["post"], **sparse, **common)
    for field in dataclasses.fields(dense):
        values, expected = getattr(found, field.name), getattr(dense, field.name)
        np.testing.assert_array_equal(values, np.where(stored, expected, 0) if field.name in names else expected)


@both
@pytest.mark.parametrize("seed", range(8))
def test_the_final_record_is_the_last_of_the_history(rounding, seed):
    case = random_case(seed, sparse=False, steps=12)
    history, final = (simulated(case, rounding=rounding, record=record) for record in ("history", "final"))
    for field in dataclasses.fields(history):
        np.testing.assert_array_equal(getattr(history, field.name)[-1], getattr(final, field.name))


def test_the_seed_is_the_rules_unless_another_is_given():
    pre = np.ones((50, 4))
    rule = {"dt": "u0", "x1_impulse": 3.3, "x1_tau": 5.0}

    def x1(rounding, rng_seed=None, seed=None):
        made = LearningRule.two_factor(**rule, rng_seed=rng_seed)
        return simulate(made, pre, np.zeros((50, 1)), np.zeros((1, 4)), rounding=rounding, seed=seed).x1.tolist()

    for rounding in ROUNDINGS:
        assert x1(rounding) == x1(rounding, 0) == x1(rounding, seed=0) == x1(rounding, 7, 0) != x1(rounding, 7)
        assert x1(rounding, 7) == x1(rounding, seed=7)


def test_no_steps():
    history = simulate({"dt": "u0"}, np.zeros((0, 2)), np.zeros((0, 3)), np.zeros((3, 2)))
    assert history.weights.shape == (0, 3, 2) and history.x1.shape == (0, 2) and history.y1.shape == (0, 3)


GOOD = {"rule": {"dw": "x0*y1"}, "pre": np.zeros((4, 2)), "post": np.zeros((4, 3)), "weights": np.zeros((3, 2))}
WRONG = {
    "pre transposed": ({"pre": np.zeros((2, 4))}, "pre", "(steps, 2)"),
    "post transposed": ({"post": np.zeros((3, 4))}, "post", "(steps, 3)"),
    "other number of steps": ({"post": np.zeros((5, 3))}, "post", "same number"),
    "a vector of weights": ({"weights": np.zeros(2)}, "weights", "(n_post, n_pre)"),
    "weights with fractions": ({"weights": np.full((3, 2), 0.5)}, "weights", "whole"),
    "weights of nan": ({"weights": np.full((3, 2), np.nan)}, "weights", "whole"),
    "weights of text": ({"weights": [["a", "b"]]}, "weights", "whole"),
    "ragged weights": ({"weights": [[1, 2], [3]]}, "weights", "whole"),
    "weights too large": ({"weights": np.full((3, 2), 256)}, "weights", "-256 to 255"),
    "negative excitatory weights": ({"weights": np.full((3, 2), -1), "sign_mode": "excitatory"}, "weights", "0 to 255"),
    "positive inhibitory weights": ({"weights": np.full((3, 2), 1), "sign_mode": "inhibitory"}, "weights", "-255 to 0"),
    "a tag of another shape": ({"tag_1": np.zeros((2, 3))}, "tag_1", "as the weights"),
    "a negative tag 2": ({"tag_2": np.full((3, 2), -1)}, "tag_2", "0 to 255"),
    "an unknown sign mode": ({"sign_mode": "both"}, "sign_mode", "not known"),
    "an unknown rounding": ({"rounding": "none"}, "rounding", "not known"),
    "an unknown record": ({"record": "all"}, "record", "not known"),
    "an unknown graded mode": ({"graded_spike_cfg": 4}, "graded_spike_cfg", "not known"),
    "a negative seed": ({"seed": -1}, "seed", "whole number"),
    "y traces for two factors": ({"y_traces": {}}, "y_traces", "two factors"),
    "y traces of another shape": (
        {"rule": {"factors": 3, "dw": "x0"}, "y_traces": {"y1": np.zeros((3, 4))}},
        "y_traces.y1",
        "shape",
    ),
    "y traces of another name": (
        {"rule": {"factors": 3, "dw": "x0"}, "y_traces": {"y4": np.zeros((4, 3))}},
        "y_traces",
        "not known",
    ),
    "an unknown profile": ({"profile": "loihi9"}, None, "profile"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_one_clear_error(name):
    changes, field, problem = WRONG[name]
    with pytest.raises(InputError) as caught:
        simulate(**{**GOOD, **changes})
    assert problem in str(caught.value) and caught.value.remedy
    if field is not None:
        assert caught.value.field == field


def test_a_tag_without_a_synapse_is_refused():
    stored = np.array([[True, False]])
    with pytest.raises(InputError, match="no synapse"):
        simulate(
            {"dw": "x0"},
            np.zeros((1, 2)),
            np.zeros((1, 1)),
            Entries(np.array([[4, 0]]), stored),
            tag_1=np.array([[0, 3]]),
        )
