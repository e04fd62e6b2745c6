"""What a hebbian connection costs, counted on paper."""

import numpy as np
import pytest

import hmn_lava as hl


@pytest.mark.parametrize("tau", [None, 50.0])
def test_products_count_where_something_was_sent_and_decays_where_they_act(tau):
    net = hl.Network("hand")
    x, y = net.input("x", 3, signal="spike"), net.lif("y", 2)
    net.connect_hebbian(x, y, weights=0.5, rate=0.1, tau_w=tau, name="w2")
    bundle = hl.compile(net.spec(), plasticity="engine")
    sent = (np.random.default_rng(0).random((8, 3)) < 0.4).astype(float)
    report = hl.profile(bundle, {"x": sent}, 8)
    found = report.operations()
    spikes = 2 * int(sent.sum())  # each at two synapses
    rule = bundle.network.learning["w2.synapse"].rule
    every = 1 << (rule.decimation or 0)
    decays = 0 if tau is None else 6 * (8 // every)
    products = sum(p.dependency == "u" for p in rule.rules[0])
    assert found["learning_product"] == spikes + products * decays
    acts = [t % every == every - 1 and tau is not None for t in range(8)]
    written = sum(6 if all_of_them else 2 * int(row.sum()) for all_of_them, row in zip(acts, sent, strict=True))
    assert found["learning_write"] == written
    assert found["synaptic_operation"] == spikes
    assert "learning_trace_update" not in found  # the neuron writes its trace
    terms = {entry["name"] for entry in report.as_dict()["energy_per_update"]["terms"]}
    assert {"weight", "neuron"} <= terms and not {"modulator", "tag"} & terms
