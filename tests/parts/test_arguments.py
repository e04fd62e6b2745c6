"""Wrong arguments of components: one error that names the component, the argument, what was given, and a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import FitError, InputError
from hmn_lava.fixed import Fixed
from hmn_lava.parts.competition import competition_part
from hmn_lava.parts.connection import connection_part
from hmn_lava.parts.learning_connection import learning_connection_part
from hmn_lava.parts.local_attention import local_attention_part
from hmn_lava.parts.modulation import modulation_part
from hmn_lava.parts.neuron import neuron_part
from hmn_lava.parts.oscillator import oscillator_part, phase_gate_part
from hmn_lava.parts.ports import Wire, check_wires, mismatches, read_ports, sent_ports
from hmn_lava.parts.probabilistic_gate import probabilistic_gate_part
from hmn_lava.parts.spsa import spsa_part
from hmn_lava.parts.static import static_part
from hmn_lava.parts.trace import trace_part

RULE = {"dw": "2^-2*x1*y0", "x1_impulse": 64, "x1_tau": 20, "y1_impulse": 64, "y1_tau": 20, "t_epoch": 3}
GOOD: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "neuron": (neuron_part, {"shape": 2}),
    "lif": (neuron_part, {"shape": 2, "activation": "lif"}),
    "competition": (competition_part, {"shape": 2}),
    "connection": (connection_part, {"weights": [[0.0, 0.5]]}),
    "modulation": (modulation_part, {"modulators": {"a": {}}}),
    "oscillator": (oscillator_part, {"period": 4.0}),
    "phase_gate": (phase_gate_part, {"phi": [0.0]}),
    "static": (static_part, {"weights": [[0.0, 0.5]], "x_range": (0.0, 1.0)}),
    "dense": (static_part, {"weights": [[1, 2]]}),
    "trace": (trace_part, {"shape": 2}),
    "spsa": (spsa_part, {"eta": [0.5], "low": 0.0, "high": 1.0, "rate": 0.1, "period": 4}),
    "attention": (local_attention_part, {"embedding": np.eye(2), "key": np.eye(2)}),
    "gate": (probabilistic_gate_part, {"shape": 2, "beta": 1.0, "threshold": 0.1}),
    "learning": (learning_connection_part, {"weights": np.full((2, 3), 4), "learning_rule": RULE}),
}

BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("modulation", {"modulators": 3}, "modulators", "dict"),
    ("modulation", {"modulators": {"a": 3}}, "modulators.a", "type, weight"),
    ("modulation", {"modulators": {3: {}}}, "modulators", "names"),
    ("modulation", {"modulators": {"a": {"weight": "x"}}}, "modulators.a.weight", "number"),
    ("modulation", {"modulators": {"a": {"key": "x"}}}, "modulators.a.key", "numbers"),
    ("modulation", {"modulators": {"a": {"range": 3}}}, "modulators.a.range", "(low, high)"),
    ("modulation", {"attention": 3}, "attention", "beta"),
    ("modulation", {"attention": {}}, "attention", "None"),
    ("modulation", {"attention": {"dimensions": "x"}}, "attention.dimensions", "whole number"),
    ("connection", {"attention": 3}, "attention", "beta"),
    ("connection", {"attention": {}}, "attention", "beta"),
    ("connection", {"a_format": 3}, "a_format", "Fixed"),
    ("connection", {"a_format": "s24.12"}, "a_format", "parse"),
    ("connection", {"theta_p": 1.0}, "theta_p", "beta_p"),
    ("connection", {"phi": 2.0}, "phi", "per_synapse"),
    ("connection", {"phi": 2.0, "phase": "shared"}, "phi", "per_synapse"),
    ("connection", {"delays": "x"}, "delays", "numbers"),
    ("connection", {"delays": [1, 2, 3]}, "delays", "(1, 2)"),
    ("connection", {"topology": "x"}, "topology", "0/1 mask"),
    ("connection", {"bounds": []}, "bounds", "(low, high)"),
    ("connection", {"learn_delay": 0}, "learn_delay", "from 1"),
    ("connection", {"weights": None}, "weights", "numbers"),
    ("static", {"a_format": 3}, "a_format", "Fixed"),
    ("static", {"delays": "x"}, "delays", "numbers"),
    ("static", {"topology": "x"}, "topology", "(2, n_syn)"),
    ("static", {"weights": [[10**40]]}, "weights", "numbers"),
    ("dense", {"a_format": Fixed(24)}, "a_format", "x_range"),
    ("dense", {"weight_exp": "x"}, "weight_exp", "whole number"),
    ("attention", {"topology": 3}, "topology", "mask"),
    ("attention", {"topology": "x"}, "topology", "mask"),
    ("attention", {"key": np.eye(3)}, "key", "(n_post, 2)"),
    ("attention", {"embedding": "x"}, "embedding", "give numbers"),
    ("attention", {"beta": None}, "beta", "from 0 to 8"),
    ("oscillator", {"waves": 3}, "waves", "True or False"),
    ("oscillator", {"period": 1e-9}, "period", "from 1e-06"),
    ("oscillator", {"period": "x"}, "period", "number"),
    ("phase_gate", {"phi": 10**40}, "phi", "numbers"),
    ("neuron", {"bias": {}}, "bias", "numbers"),
    ("neuron", {"bias": [1.0, 2.0, 3.0]}, "bias", "2 values"),
    ("neuron", {"vth": "x"}, "vth", "number"),
    ("neuron", {"vth": 2.0}, "vth", "lif"),
    ("neuron", {"noise": "x"}, "noise", "number"),
    ("neuron", {"temperature": 2.0}, "temperature", "sample"),
    ("lif", {"du": None}, "du", "number"),
    ("lif", {"bias_v": "x"}, "bias_v", "numbers"),
    ("neuron", {"shape": 10**40}, "shape", "n from 1"),
    ("competition", {"key_range": "x"}, "key_range", "(low, high)"),
    ("trace", {"shape": 10**40}, "shape", "n from 1"),
    ("trace", {"mode": 3}, "mode", "replacing"),
    ("spsa", {"rate": "x"}, "rate", "give numbers"),
    ("spsa", {"rate": None}, "rate", "give numbers"),
    ("spsa", {"eta": []}, "eta", "(n,)"),
    ("spsa", {"low": [0.0, 0.0]}, "low", "(1,)"),
    ("spsa", {"high": 0.1}, "eta", "between"),
    ("spsa", {"relative_epsilon": 3.0}, "relative_epsilon", "smaller"),
    ("spsa", {"period": 10**40}, "period", "whole number"),
    ("gate", {"beta": "3"}, "beta", "number"),
    ("gate", {"seed": 1.5}, "seed", "whole number"),
    ("gate", {"dw_range": 3}, "dw_range", "(low, high)"),
    ("learning", {"learning_rule": 3}, "learning_rule", "LearningRule"),
    ("learning", {"learning_rule": {}}, "learning_rule", "dw"),
    ("learning", {"profile": 3}, "profile", "name"),
    ("learning", {"weight_exp": 99}, "weight_exp", "-30 to 30"),
    ("learning", {"seed": -1}, "seed", "from 0"),
]


def made(component: str, **changed: Any) -> Any:
    make, given = GOOD[component]
    return make(**{**given, **changed, "name": "mine"})


@pytest.mark.parametrize("component, wrong, field, remedy", BAD, ids=[f"{c}-{w}"[:60] for c, w, _, _ in BAD])
def test_a_wrong_argument_gives_one_error(component: str, wrong: dict[str, Any], field: str, remedy: str):
    with pytest.raises(InputError) as caught:
        made(component, **wrong)
    error = caught.value
    assert (error.where, error.field) == ("mine", field), error
    assert remedy in error.remedy, error
    assert error.value is not None or next(iter(wrong.values())) is None
    assert "got" in str(error)
    assert not re.search(r"(populations|connections|oscillators)\.", str(error))


LOST: list[tuple[str, dict[str, Any], str]] = [
    ("neuron", {"bias": 1e9}, "bias"),
    ("neuron", {"noise": 1e9}, "noise"),
    ("neuron", {"bias": [0.0, -1e6]}, "bias"),
    ("lif", {"vth": 1e9}, "vth"),
    ("lif", {"bias": 1e9}, "bias"),
    ("lif", {"bias_v": 1e9}, "bias_v"),
    ("lif", {"bias_v": 1e-9}, "bias_v"),
    ("neuron", {"bias": 1e-9}, "bias"),
    ("connection", {"tau_fast": 1e9}, "tau_fast"),
    ("trace", {"tau_fast": 1e-9}, "tau_fast"),
]


@pytest.mark.parametrize("component, wrong, field", LOST)
def test_what_is_lost_is_told_in_the_users_words(component: str, wrong: dict[str, Any], field: str):
    with pytest.raises(FitError, match=r"^mine: ") as caught:
        made(component, **wrong)
    assert [finding.object for finding in caught.value.findings] == [field]
    assert caught.value.findings[0].remedy
    assert not re.search(r"allow-lossy|populations|connections\.", str(caught.value))


@pytest.mark.parametrize("component", GOOD)
def test_good_arguments_make_a_part(component: str):
    part, _ = made(component)
    assert part.inputs or part.outputs


@pytest.mark.parametrize(
    "component, good",
    [
        ("neuron", {"bias": 1000.0}),
        ("neuron", {"a_range": Fixed(24, True, 0), "bias": 1000.0}),
        ("lif", {"du": 0.001, "vth": np.float32(2.0)}),
        ("connection", {"phase": "per_synapse", "phi": 2}),
        ("connection", {"beta_p": 1, "theta_p": 0.5, "a_format": Fixed(24, True, 12)}),
        ("connection", {"attention": {"beta": 1.0}, "delays": np.int64(2), "topology": [[True, False]]}),
        ("static", {"delays": [[0, 2]], "topology": [[0], [1]]}),
        ("modulation", {"modulators": {}}),
        ("oscillator", {"waves": np.True_, "period": 12}),
        ("attention", {"topology": [[1, 0], [1, 1]]}),
        ("spsa", {"eta": 0.5}),
        ("spsa", {"eta": [0.5, 0.6], "rate": [0.1, 0.2], "epsilon0": 0.05}),
    ],
)
def test_good_arguments_still_work(component: str, good: dict[str, Any]):
    made(component, **good)


def test_wires_of_different_scales_are_listed():
    modulator, synapses = made("modulation")[0], made("connection")[0]
    sends, reads = sent_ports(modulator)["third_out"].format, read_ports(synapses)["third_in"].format
    agreed = connection_part([[0.0]], third=sent_ports(modulator)["third_out"])[0]
    good = Wire("mod.third_out", sends, "agreed.third_in", read_ports(agreed)["third_in"].format)
    wrong = Wire("mod.third_out", sends, "conn.third_in", reads)
    assert sends.frac != reads.frac
    assert wrong.factor == 2.0 ** (sends.frac - reads.frac)
    assert mismatches([good, wrong, Wire("a.b", None, "c.d", reads)]) == [wrong]
    check_wires([good])
    with pytest.raises(InputError) as caught:
        check_wires([good, wrong])
    error = caught.value
    assert (error.where, error.field, error.value) == ("conn", "third_in", str(reads))
    assert 'third=mod.sends["third_out"]' in error.remedy
    assert all(word in str(error) for word in ("mod.third_out", "conn.third_in", str(sends), str(reads)))


def test_a_cycle_is_made_with_a_format():
    z = Fixed(17, False, 16)
    synapses = connection_part([[0.0]], z_range=z)[0]
    neurons = neuron_part(1, "sigmoid", a_range=sent_ports(synapses)["a_out"])[0]
    wires = [
        Wire("s.a_out", sent_ports(synapses)["a_out"].format, "n.a_in", read_ports(neurons)["a_in"].format),
        Wire("n.s_out", sent_ports(neurons)["s_out"].format, "s.z_in", read_ports(synapses)["z_in"].format),
    ]
    assert not mismatches(wires)
    assert sent_ports(neurons)["s_out"].format.frac == z.frac
