"""The float network: each of its promises alone."""

import copy
import math
import pickle

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.latency import Latency
from hmn_lava.reference.simulator import Reference
from hmn_lava.spec import resolve, spec_from_dict
from hmn_lava.streams import uniform


def network(seed=0, **parts):
    return resolve(spec_from_dict({"hmn_lava": 1, "name": "test", **parts}), seed)


def learner(post=None, source=None, other=None, **rule):
    """An input ``pre`` (3), a population ``post`` (2), the plastic connection ``w`` between them, and a teacher."""
    return network(
        populations={
            "pre": {"type": "input", "size": 3, "range": [-1, 1], **(source or {})},
            "teach": {"type": "input", "size": 1, "range": [-10, 10]},
            "post": {"type": "hmn", "size": 2, "activation": "sigmoid", **(post or {})},
        },
        connections={
            "w": {
                "type": "hmn",
                "source": "pre",
                "target": "post",
                "weights": [[0.1, -0.2, 0.3], [0.0, 0.4, -0.5]],
                "traces": {"tau_fast": 5.0, "tau_slow": None},
                "rates": {"global": 0.1},
                **rule,
            }
        },
        modulators={"teacher": {"type": "input", "source": "teach"}},
        **(other or {}),
    )


def feed(steps, seed=0, **extra):
    rng = np.random.default_rng(seed)
    inputs = {
        "pre": rng.choice([-1.0, 0.0, 0.0, 0.5, 1.0], (steps, 3)),
        "teach": rng.normal(0, 1, (steps, 1)).clip(-9, 9),
    }
    return {**inputs, **extra}


# ------------------------------------------------------------------------------------------------------ delays and lags


def impulse(delay, dense=True, latency=None):
    topology = "dense" if dense else np.ones((2, 3), dtype=int).tolist()
    model = network(
        populations={"pre": {"type": "input", "size": 3}, "post": {"type": "lif", "size": 2}},
        connections={
            "c": {
                "type": "static",
                "source": "pre",
                "target": "post",
                "weights": [[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]],
                "delay": delay,
                "topology": topology,
            }
        },
    )
    inputs = np.zeros((8, 3))
    inputs[1] = 1.0
    return Reference(model, latency).run({"pre": inputs}, 8, ["post.a"])["post.a"]


def test_an_impulse_without_delay_arrives_in_its_step():
    a = impulse(0)
    assert a[1].tolist() == [7.0, 56.0]
    assert not a[[0, 2, 3, 4, 5, 6, 7]].any()


def test_an_impulse_arrives_after_the_common_delay():
    a = impulse(3)
    assert a[4].tolist() == [7.0, 56.0]
    assert np.count_nonzero(a) == 2


def test_an_impulse_arrives_after_each_synapses_delay():
    a = impulse([[0, 2, 6], [1, 1, 5]])
    expected = np.zeros((8, 2))
    expected[1, 0], expected[3, 0], expected[7, 0] = 1.0, 2.0, 4.0
    expected[2, 1], expected[6, 1] = 24.0, 32.0
    assert a.tolist() == expected.tolist()


def test_a_latency_overrides_the_delay():
    late = Latency(weight_lag={}, delay={"c": np.full(6, 2)}, offset={})
    assert impulse(0, latency=late)[3].tolist() == [7.0, 56.0]


def test_the_activity_before_step_zero_is_zero_and_the_history_wraps():
    model = learner(delay=2)
    x = np.arange(30.0).reshape(10, 3) / 30
    reference = Reference(model)
    reference.learning = False
    a = reference.run({"pre": x}, 10, ["post.a"])["post.a"]
    w = model.connections["w"].weights.reshape(2, 3)
    np.testing.assert_allclose(a, np.concatenate([np.zeros((2, 2)), x[:-2] @ w.T]), atol=1e-15)


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_weights_reach_the_activation_after_their_lag(lag):
    model, steps = learner(), 12
    inputs = feed(steps)
    late = Latency(weight_lag={"w": lag}, delay={}, offset={})
    history = Reference(model, late).run(inputs, steps, ["post.a", "w.w", "w.dw"])
    w = np.concatenate([[model.connections["w"].weights], history["w.w"]])  # w[k]: after step k - 1
    assert np.ptp(w, axis=0).max() > 0.1  # it does learn
    for t in range(steps):
        used = w[max(0, t - lag)].reshape(2, 3)  # after step t - 1 - lag
        np.testing.assert_allclose(history["post.a"][t], used @ inputs["pre"][t], atol=1e-14)
    np.testing.assert_allclose(w[1:] - w[:-1], history["w.dw"], atol=1e-14)  # the update itself is not late


def test_the_weight_lag_delays_nothing_else():
    # with z fixed by the bias and x given, the updates do not depend on the activation, so that no lag changes them
    model = learner(post={"activation": "relu", "bias": 100.0}, bounds=[-90, 90])
    inputs = feed(9)
    ideal, late = (
        Reference(model, Latency(weight_lag={"w": lag}, delay={}, offset={})).run(inputs, 9, ["w.w", "w.psi_fast"])
        for lag in (0, 2)
    )
    for signal in ideal:
        np.testing.assert_array_equal(ideal[signal], late[signal])


def test_ideal_latency_says_what_the_model_says():
    model = learner(delay=[[0, 1, 2], [3, 4, 5]])
    ideal = Latency.ideal(model)
    assert ideal.weight_lag == {"w": 0}
    assert ideal.delay["w"].tolist() == [0, 1, 2, 3, 4, 5]
    assert ideal.offset == {}


@pytest.mark.parametrize(
    ("latency", "message"),
    [
        (Latency({}, {"w": np.full(6, -1)}, {}), "at least 0"),
        (Latency({}, {"w": np.zeros(5, dtype=int)}, {}), "one delay per synapse"),
        (Latency({"w": -1}, {}, {}), "not be negative"),
    ],
)
def test_an_impossible_latency_is_refused(latency, message):
    with pytest.raises(InputError, match=message):
        Reference(learner(), latency)


def test_a_loop_without_delay_is_refused():
    model = network(
        populations={"post": {"type": "lif", "size": 2}},
        connections={"c": {"type": "static", "source": "post", "target": "post", "weights": 1.0, "delay": 1}},
    )
    with pytest.raises(InputError, match="at least 1"):
        Reference(model, Latency({}, {"c": np.zeros(4, dtype=int)}, {}))


# ------------------------------------------------------------------------------------ each subsystem off is an identity


SIGNALS = ["post.z", "w.w", "w.dw", "w.psi_fast"]


def same(one, other, steps=20, rtol=0.0, **inputs):
    first, second = (Reference(model).run(feed(steps, **inputs), steps, SIGNALS) for model in (one, other))
    assert np.abs(first["w.dw"]).max() > 1e-3
    for signal in SIGNALS:
        np.testing.assert_allclose(first[signal], second[signal], rtol=rtol, atol=rtol, err_msg=signal)


def test_dense_is_sparse_with_all_synapses():
    sparse = learner(topology=np.ones((2, 3), dtype=int).tolist())
    assert not sparse.connections["w"].dense
    same(learner(), sparse, rtol=1e-13)


def test_attention_off_is_alpha_one():
    with_attention = learner(attention={"beta": 0.0}, rates={"global": 0.3})  # softmax of zeros: 1/3 in each row
    same(learner(), with_attention, rtol=1e-13)


def test_phase_gate_off_is_a_factor_of_one():
    still = learner(phase_gate={"oscillator": "o"}, other={"oscillators": {"o": {"period": 1.0}}})  # cos(2 pi t) = 1
    same(learner(), still, rtol=1e-13)


def test_probabilistic_gate_off_is_certainty():
    same(learner(), learner(probabilistic_gate={"beta": 1e9, "threshold": 0.0}))


def test_slow_trace_off_leaves_the_fast_one():
    # both traces alike is twice the fast one
    nearly = learner(traces={"tau_fast": 5.0, "tau_slow": 5.0 + 1e-12}, rates={"global": 0.05})
    same(learner(), nearly, rtol=1e-9)


def test_global_attention_off_is_the_plain_sum():
    # one modulator: gamma = 1 whatever the context
    attended = learner(other={"global_attention": {"context": "post"}})
    same(learner(), attended)


def test_global_attention_is_shared_among_the_modulators_of_the_connection():
    # E = (2, -3), keys 1, C > 0: g = (1, -1); beta = ln 2: gamma = (2, 1/2) / (5/2); G' = 0.8 * 2 - 0.2 * 0.5 * 3
    inputs = ("one_in", "two_in", "mute_in", "place")
    for names, expected in ((["one", "two"], 1.3), (["two"], -1.5), ([], 0.0), (["one", "two", "mute"], None)):
        model = network(
            populations={
                **{name: {"type": "input", "size": 1, "range": [-5, 5]} for name in inputs},
                "post": {"type": "lif", "size": 1},
            },
            connections={
                "w": {
                    "type": "hmn",
                    "source": "place",
                    "target": "post",
                    "weights": 0.0,
                    "rates": {"global": 0.1},
                    "modulators": names,
                }
            },
            modulators={
                "one": {"type": "input", "source": "one_in"},
                "two": {"type": "input", "source": "two_in", "weight": 0.5},
                "mute": {"type": "input", "source": "mute_in"},
            },
            global_attention={"context": "place", "beta": math.log(2.0)},
        )
        reference = Reference(model)
        reference.step({"one_in": [2.0], "two_in": [-3.0], "place": [1.0]})
        if expected is None:  # the silent modulator has g = 0 and takes 1 of 3.5 shares: (2 * 2 - 0.5 * 1.5) / 3.5
            expected = 3.25 / 3.5
        assert reference["w.G"] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("how", ["rule", "override"])
def test_learning_off_moves_no_weight_and_no_trace(how):
    reference = Reference(learner(learning=how != "rule", attention={}))
    reference.learning = how != "override"
    before = {signal: reference[signal] for signal in ("w.w", "w.psi_fast", "w.c")}
    history = reference.run(feed(9), 9, ["w.G", "w.dw"])
    for signal, value in before.items():
        np.testing.assert_array_equal(reference[signal], value, err_msg=signal)
    np.testing.assert_array_equal(history["w.G"], feed(9)["teach"])  # the modulators go on
    assert not history["w.dw"].any()


def test_learning_goes_on_where_it_was_stopped():
    reference = Reference(learner())
    reference.run(feed(5), 5)
    w, psi = reference["w.w"], reference["w.psi_fast"]
    reference.learning = False
    reference.run(feed(7, seed=1), 7)
    np.testing.assert_array_equal(reference["w.w"], w)
    np.testing.assert_array_equal(reference["w.psi_fast"], psi)
    assert not reference["w.dw"].any()
    reference.learning = True
    reference.run(feed(5, seed=2), 5)
    assert np.abs(reference["w.w"] - w).max() > 1e-3


def test_without_a_third_factor_the_update_is_zero_again():
    reference = Reference(learner())
    reference.step({"pre": np.ones(3), "teach": [1.0]})
    assert reference["w.dw"].all()
    w = reference["w.w"]
    reference.step({"pre": np.ones(3)})
    assert not reference["w.dw"].any()
    np.testing.assert_array_equal(reference["w.w"], w)


# --------------------------------------------------------------------------------------------------- the rule's factors


def first_update(pre=1.0, teach=1.0, **rule):
    """The weight change of one step from a coincidence."""
    reference = Reference(learner(**rule))
    reference.step({"pre": [pre, 0.0, 0.0], "teach": [teach]})
    return reference["w.dw"].reshape(2, 3)


def test_the_update_follows_the_sign_of_input_and_modulator():
    dw = first_update()
    assert dw[:, 0].min() > 0.0
    assert not dw[:, 1:].any()
    np.testing.assert_array_equal(first_update(teach=-1.0), -dw)
    # z depends on x too: sigmoid(-a) = 1 - sigmoid(a), here with a = 0.1 and 0
    np.testing.assert_allclose(first_update(pre=-1.0)[:, 0], -0.1 / (1 + np.exp([0.1, 0.0])), rtol=1e-14)
    np.testing.assert_array_equal(first_update(rates={"global": 0.2}), 2 * dw)


def test_the_local_rate_needs_no_modulator():
    np.testing.assert_array_equal(first_update(teach=0.0, rates={"local": 0.1}), first_update())


def test_weights_stay_inside_their_bounds():
    model = learner(bounds=[-0.5, 0.45], rates={"global": 0.5})
    w = Reference(model).run(feed(60), 60, ["w.w"])["w.w"]
    assert w.min() == -0.5
    assert w.max() == 0.45


def test_the_phase_gate_follows_the_oscillator():
    model = learner(
        phase_gate={"oscillator": "o", "phase": [[0.0, math.pi, 0.0]] * 2},
        other={"oscillators": {"o": {"period": 4.0, "phase": 0.0}}},
    )
    gate = Reference(model).run({}, 4, ["w.gate"])["w.gate"]
    # Phi = 0, pi/2, pi, 3 pi/2
    np.testing.assert_allclose(gate[:, :3], [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]], atol=1e-15)


# ----------------------------------------------------------------------------------------------------------- randomness


def steady(**rule):
    """1,000 synapses whose update is the same in each step: x = 1, z = 8, eta_g = 0.01, G = 1: dw = 0.08."""
    return network(
        populations={
            "pre": {"type": "input", "size": 50},
            "teach": {"type": "input", "size": 1},
            "post": {"type": "hmn", "size": 20, "activation": "relu", "bias": 5000.0},
        },
        connections={
            "w": {
                "type": "hmn",
                "source": "pre",
                "target": "post",
                "weights": 0.0,
                "traces": {"tau_slow": None},
                "rates": {"global": 0.01},
                **rule,
            }
        },
        modulators={"teacher": {"type": "input", "source": "teach"}},
    )


@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_the_gate_opens_with_probability_p(p):
    steps, beta = 40, 100.0
    threshold = 0.08 - math.log(p / (1 - p)) / beta  # sigmoid(beta (0.08 - threshold)) = p
    model = steady(probabilistic_gate={"beta": beta, "threshold": threshold})
    dw = Reference(model).run({"pre": np.ones((steps, 50)), "teach": np.ones((steps, 1))}, steps, ["w.dw"])["w.dw"]
    assert set(np.unique(dw.round(12))) == {0.0, 0.08}
    sigma = math.sqrt(p * (1 - p))
    assert abs((dw != 0).mean() - p) < 4 * sigma / math.sqrt(dw.size)
    # neither synapses nor steps share their draws
    assert np.abs((dw != 0).mean(axis=0) - p).max() < 6 * sigma / math.sqrt(steps) + 1 / steps
    assert np.abs((dw != 0).mean(axis=1) - p).max() < 5 * sigma / math.sqrt(1000)


def test_the_gate_opens_where_the_draw_is_below_p():
    steps = 200
    model = steady(probabilistic_gate={"beta": 0.0, "threshold": 0.0})  # p = 1/2
    dw = Reference(model).run({"pre": np.ones((steps, 50)), "teach": np.ones((steps, 1))}, steps, ["w.dw"])["w.dw"]
    draws = uniform(0, "w.gate", np.arange(steps)[:, None], np.arange(1000))
    assert (draws == 2**15).any()  # the edge is met, and is closed
    np.testing.assert_array_equal(dw != 0, draws < 2**15)


def test_the_noise_has_its_mean_and_width():
    steps, n, sigma = 2000, 10, 0.3
    model = network(populations={"p": {"type": "hmn", "size": n, "activation": "relu", "bias": 1.0, "noise": sigma}})
    a = Reference(model).run({}, steps, ["p.a"])["p.a"]
    count = steps * n
    assert abs(a.mean() - 1.0) < 4 * sigma / math.sqrt(count)
    assert abs(a.std() - sigma) < 4 * sigma / math.sqrt(2 * count)
    within = np.mean(np.abs(a - 1.0) < sigma)
    assert abs(within - math.erf(math.sqrt(0.5))) < 4 * math.sqrt(0.22 / count)
    correlation = np.corrcoef(a.T) - np.eye(n)
    assert np.abs(correlation).max() < 5 / math.sqrt(steps)


def noisy(seed=0):
    return Reference(
        learner(post={"noise": 0.2, "competition": "sample"}, probabilistic_gate={"beta": 10.0, "threshold": 0.05}),
        seed=seed,
    ).run(feed(30), 30, SIGNALS)


def test_a_seed_decides_every_draw():
    one, again, other = noisy(3), noisy(3), noisy(4)
    for signal in SIGNALS:
        np.testing.assert_array_equal(one[signal], again[signal])
        assert np.abs(one[signal] - other[signal]).max() > 0.0


def test_the_seed_of_the_model_is_the_default():
    post = {"noise": 0.2}
    model = learner(post=post)
    object.__setattr__(model, "seed", 9)
    runs = [Reference(model, seed=seed).run(feed(3), 3, ["post.a"])["post.a"] for seed in (None, 9, 0)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 0.0


def test_probes_and_steps_by_hand_change_nothing():
    model, inputs = learner(post={"noise": 0.2}, attention={}), feed(20)
    probed, plain = Reference(model), Reference(model)
    history = probed.run(inputs, 20, probed.signals)
    for t in range(20):
        plain.step({name: x[t] for name, x in inputs.items()})
        for signal in plain.signals:
            np.testing.assert_array_equal(history[signal][t], plain[signal], err_msg=signal)


def test_a_copy_goes_on_from_the_same_state_and_alone():
    reference = Reference(learner(post={"noise": 0.2}, attention={}), Latency({"w": 2}, {"w": np.full(6, 3)}, {}))
    reference.run(feed(10), 10)
    for copied in (copy.deepcopy(reference), pickle.loads(pickle.dumps(reference))):
        original = copy.deepcopy(reference)
        w = original["w.w"]
        first = copied.run(feed(10, seed=1), 10, copied.signals)
        np.testing.assert_array_equal(original["w.w"], w)
        second = original.run(feed(10, seed=1), 10, original.signals)
        for signal in first:
            np.testing.assert_array_equal(first[signal], second[signal], err_msg=signal)


# --------------------------------------------------------------------------------------------------- signals and inputs


def test_signals_have_their_names_and_shapes():
    model = learner(
        post={"activation": "lif", "lif": {}},
        attention={"dimensions": 2},
        phase_gate={"oscillator": "o"},
        traces={"tau_slow": 9.0},
        other={"oscillators": {"o": {"period": 4.0}}, "global_attention": {"context": "post", "dimensions": 3}},
    )
    reference = Reference(model)
    expected = {
        **{"pre.x": (3,), "teach.x": (1,), "post.a": (2,), "post.z": (2,), "post.u": (2,), "post.v": (2,)},
        **{"w.w": (6,), "w.psi_fast": (6,), "w.psi_slow": (6,), "w.dw": (6,), "w.alpha": (6,), "w.c": (2, 2)},
        **{"w.G": (1,), "w.gate": (1,), "teacher.E": (1,), "global.C": (3,)},
    }
    assert {signal: reference[signal].shape for signal in reference.signals} == expected
    history = reference.run(feed(4), 4, reference.signals)
    assert {signal: value.shape for signal, value in history.items()} == {s: (4, *n) for s, n in expected.items()}


def test_a_subsystem_that_is_off_has_no_signals():
    names = Reference(learner()).signals
    assert set(names) == {"pre.x", "teach.x", "post.a", "post.z", "w.w", "w.psi_fast", "w.dw", "w.G", "teacher.E"}


def test_a_signal_is_a_copy():
    reference = Reference(learner())
    reference["w.w"][:] = 9.0
    assert reference["w.w"].max() == 0.4
    x = np.ones(3)
    reference.step({"pre": x})
    x[:] = 5.0
    assert reference["pre.x"].tolist() == [1.0, 1.0, 1.0]


def test_weights_can_be_set_also_under_a_lag():
    reference = Reference(learner(), Latency({"w": 3}, {}, {}))
    reference["w.w"] = np.full(6, 0.5)
    reference.step({"pre": np.ones(3)})
    assert reference["post.a"].tolist() == [1.5, 1.5]
    assert reference["w.w"].tolist() == [0.5] * 6


def test_a_silent_input_is_zero():
    reference = Reference(learner())
    reference.step({"pre": np.ones(3)})
    reference.step({})
    assert not reference["pre.x"].any()
    assert reference.t == 2


def test_tuning_keeps_the_state_and_changes_the_rule():
    reference, plain = Reference(learner()), Reference(learner())
    for r in (reference, plain):
        r.run(feed(5), 5)
    reference.tune("w", eta_global=0.2)
    np.testing.assert_array_equal(reference["w.psi_fast"], plain["w.psi_fast"])
    for r in (reference, plain):
        r.run(feed(1), 1)
    np.testing.assert_allclose(reference["w.dw"], 2 * plain["w.dw"], rtol=1e-14)
    reference.tune("w", tau_fast=1 / math.log(2.0))
    before = reference["w.psi_fast"]
    reference.step({})
    np.testing.assert_allclose(reference["w.psi_fast"], before / 2, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r["w.alpha"], "unknown signal"),
        (lambda r: r["nothing"], "unknown signal"),
        (lambda r: r.run({}, 1, ["post.v"]), "unknown signal"),
        (lambda r: r.step({"post": [1.0, 1.0]}), "not an input population"),
        (lambda r: r.step({"pre": [1.0]}), r"shape \(3,\)"),
        (lambda r: r.run({"post": np.ones((1, 2))}, 1), "not an input population"),
        (lambda r: r.run({"pre": np.ones((1, 3))}, 2), r"shape \(2, 3\)"),
        (lambda r: r.run({"pre": np.full((1, 3), 1.5)}, 1), r"outside \[-1, 1\]"),
        (lambda r: r.run({"pre": np.full((1, 3), np.nan)}, 1), r"outside \[-1, 1\]"),
        (lambda r: r.__setitem__("post.z", [0.0, 0.0]), "only weights"),
        (lambda r: r.__setitem__("w.w", np.zeros(5)), r"shape \(6,\)"),
        (lambda r: r.__setitem__("w.w", np.full(6, 1.5)), "within"),
        (lambda r: r.__setitem__("w.w", np.full(6, np.nan)), "within"),
        (lambda r: r.tune("post", eta_local=0.1), "does not learn"),
        (lambda r: r.tune("w", beta_gate=0.1), "not a constant"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(call, message):
    reference = Reference(learner())
    with pytest.raises(InputError, match=message):
        call(reference)
    assert reference.t == 0


def test_a_spike_input_takes_only_spikes():
    reference = Reference(learner(source={"signal": "spike", "range": [0, 1]}))
    with pytest.raises(InputError, match="other than 0 and 1"):
        reference.run({"pre": np.full((1, 3), 0.5)}, 1)
