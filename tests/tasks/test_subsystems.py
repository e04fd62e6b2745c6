"""Switching subsystems off: each by hand on a spec that has all, and what the mean step of a weight becomes."""

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.spec import spec_from_dict, spec_to_dict
from hmn_lava.tasks import TASKS
from hmn_lava.tasks.subsystems import PAPER, SUBSYSTEMS, cuts, name_cut, present, read_cut, without

BANDIT = TASKS["bandit"].spec()
START = {"eta_global": 0.25}


def test_a_task_has_what_its_spec_has():
    assert present(BANDIT, START) == list(SUBSYSTEMS)
    assert present(BANDIT) == [name for name in SUBSYSTEMS if name != "meta_learning"]
    assert set(present(TASKS["digits"].spec(), START)) == set(SUBSYSTEMS) - {"global_attention", "secondary_modulators"}


def rule(spec):
    return spec.connections["policy"]


@pytest.mark.parametrize(
    ("name", "rate", "gone"),
    [
        ("attention", 4.0 / 8, "attention"),  # 8 contexts
        ("phase_gate", 4.0, "phase_gate"),
        ("probabilistic_gate", 4.0, "probabilistic_gate"),
        ("slow_trace", 4.0 * 2, None),
        ("traces", 4.0 * 2, None),
    ],
)
def test_what_is_switched_off_gives_way_to_a_constant(name, rate, gone):
    cut = rule(without(BANDIT, [name]))
    assert cut.rates.global_ == rate
    before = rule(BANDIT)
    same = {"attention", "phase_gate", "probabilistic_gate"} - {gone}
    assert all(getattr(cut, field) == getattr(before, field) for field in same)
    if gone:
        assert getattr(cut, gone) is None
        assert cut.traces == before.traces
    else:
        assert cut.traces.tau_slow is None
        assert (cut.traces.tau_fast == before.traces.tau_fast) == (name == "slow_trace")


def test_modulators():
    cut = without(BANDIT, ["global_attention"])
    assert cut.global_attention is None
    assert [m.weight for m in cut.modulators.values()] == [1.0 / 3, pytest.approx(0.02 / 3), pytest.approx(0.02 / 3)]
    cut = without(BANDIT, ["secondary_modulators"])
    assert {name: m.weight for name, m in cut.modulators.items()} == {"surprise": 1.0 / 3}
    assert cut.global_attention is None
    assert without(BANDIT, ["global_attention", "secondary_modulators"]) == cut
    cut = rule(without(BANDIT, ["modulation"]))
    assert (cut.rates.local, cut.rates.global_, cut.modulators) == (4.0, 0.0, ())


def test_a_rule_that_listens_to_fewer_modulators_keeps_its_own_shares():
    """The reacher's actors hear three modulators, gamma = 1/3 each; its critic hears the first alone, gamma = 1."""
    spec = TASKS["reacher"].spec()

    def steps(cut):
        """Mean weight change for a surprise of 1, by connection."""
        rules = {name: c for name, c in cut.connections.items() if c.type == "hmn"}
        return {name: c.rates.global_ * cut.modulators["surprise"].weight for name, c in rules.items()}

    actors, critic = ("policy_shoulder", "policy_wrist"), "critic"
    before = steps(spec)
    for names in (["global_attention"], ["secondary_modulators"], ["global_attention", "secondary_modulators"]):
        after = steps(without(spec, names))
        assert after[critic] == pytest.approx(before[critic])
        assert all(after[actor] == pytest.approx(before[actor] / 3) for actor in actors)


def test_meta_learning_off_is_where_it_began():
    assert rule(without(BANDIT, ["meta_learning"], START)).rates.global_ == 0.25
    both = rule(
        without(BANDIT, ["slow_trace", "meta_learning"], START)
    )  # the constant first, then the constant's share
    assert both.rates.global_ == 0.5
    start = {"eta_local": 0.5, "tau_fast": 3.0, "beta_attention": 2.0, "beta_gate": 9.0}
    begun = rule(without(BANDIT, ["meta_learning"], start))
    assert (begun.rates.local, begun.traces.tau_fast, begun.traces.tau_slow) == (0.5, 3.0, 10.0)
    assert (begun.attention.beta, begun.probabilistic_gate.beta) == (2.0, 9.0)


def test_the_mean_step_stays_where_attention_goes():
    """With equal scores attention is 1/n for everybody: the network with it and the one without are the same."""
    equal = BANDIT.model_copy(
        update={
            "connections": {"policy": rule(BANDIT).model_copy(update={"phase_gate": None, "probabilistic_gate": None})}
        }
    )
    steps = 60
    draws = np.random.default_rng(0)
    context = np.zeros((steps, 8))
    context[:30] = 1.0  # all alike, then none
    inputs = {"context": context, "reward": draws.choice([-1.0, 1.0], (steps, 1))}
    weights = []
    for spec in (equal, without(equal, ["attention"])):
        session = hl.compile(spec, seed=1).session("reference")
        session.run(inputs)
        weights.append(session.real("policy.w"))
    assert np.abs(weights[0]).max() > 0.01
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-9)


@pytest.mark.parametrize(
    ("topology", "fan_in"),
    [("dense", 6), ({"density": 0.5}, 3), ([[1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]], 3), ([[0, 1], [5, 2]], 1)],
)
def test_fan_in_of_a_topology(topology, fan_in):
    spec = spec_from_dict(
        {
            "hmn_lava": 1,
            "name": "tiny",
            "populations": {"x": {"type": "input", "size": 6}, "y": {"type": "hmn", "size": 2, "activation": "relu"}},
            "connections": {
                "c": {"type": "hmn", "source": "x", "target": "y", "weights": 0.0, "topology": topology}
                | {"rates": {"local": 0.6}, "attention": {"beta": 1.0}}
            },
        }
    )
    cut = without(spec, ["attention"]).connections["c"]
    assert cut.rates.local == pytest.approx(0.6 / fan_in)


def test_every_cut_compiles_and_survives_being_written(tmp_path):
    for names in cuts(present(BANDIT, START), pairs=True):
        spec = without(BANDIT, names, START)
        content, arrays = spec_to_dict(spec, "arrays.npz", empty=False)  # as a sweep sends it
        assert arrays == {}
        assert spec_from_dict(content, tmp_path) == spec
    for name in present(BANDIT, START):
        for plasticity in ("neurocore", "engine"):
            hl.compile(without(BANDIT, [name], START), plasticity=plasticity)


def test_cuts_are_nothing_each_and_pairs_of_the_papers():
    found = cuts(list(SUBSYSTEMS), pairs=True)
    assert found[0] == ()
    assert sorted(cut[0] for cut in found if len(cut) == 1) == sorted(SUBSYSTEMS)
    pairs = {frozenset(cut) for cut in found if len(cut) == 2}
    assert len(pairs) == len(PAPER) * (len(PAPER) - 1) // 2 == sum(len(cut) == 2 for cut in found)
    assert set().union(*pairs) == set(PAPER)
    assert cuts(["attention", "traces"], pairs=False) == [(), ("attention",), ("traces",)]
    assert all(read_cut(name_cut(cut)) == cut for cut in found)


def test_cuts_are_written_in_three_ways():
    assert read_cut(None) == read_cut("none") == ()
    assert read_cut("attention+traces") == read_cut(["attention", "traces"]) == ("attention", "traces")
    for wrong in (3, [1], {"a": 1}):
        with pytest.raises(InputError, match="is not a cut"):
            read_cut(wrong)


def test_a_wrong_cut_is_named():
    with pytest.raises(InputError, match=r"(?s)no such subsystem.*luck.*one of: .*attention"):
        without(BANDIT, ["luck"])
    with pytest.raises(InputError, match=r"not part of the spec"):
        without(TASKS["digits"].spec(), ["global_attention"])
    with pytest.raises(InputError, match=r"not part of the spec"):
        without(BANDIT, ["meta_learning"])
