"""Networks that are small enough to count on paper, and their figures in every form in which a user sees them."""

import csv
import json

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.energy.explain import explain
from hmn_lava.energy.table import COLUMNS, write_csv
from hmn_lava.hardware_profiles.costs import Estimate


def test_a_network_worked_by_hand():
    """Two inputs, one neuron, two synapses; the inputs send at steps 0, 1 (both) and 2, the neuron a step later."""
    net = hl.Network("hand")
    net.input("x", 2, signal="spike")
    net.hmn("z", 1, activation="relu", z_max=4.0)
    net.connect_static("x", "z", weights=[[1.0, 0.5]])
    bundle = hl.compile(net.spec())
    report = hl.profile(bundle, {"x": np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0]], float)}, 5)
    found = report.operations()
    assert found["embedded_message"] == 4
    assert found["synaptic_operation"] == 4
    assert found["neuron_update_active"] == 3  # steps 1, 2 and 3
    assert found["neuron_update_inactive"] == 2
    assert found["spike_within_tile"] == 4  # nobody listens to z
    assert not any(operation.startswith(("hop", "learning")) for operation in found)
    program = bundle.network.groups["z"].program
    (skip,) = [i for i in program.instructions if i.op == "skip"]
    everything = 5 * len(program.instructions)
    waits = bundle.network.groups["z"].initial["hold"][0]  # steps before the first input can arrive
    assert waits == 1
    assert found["microcode_instruction"] == everything - waits * skip.operands[1]


@pytest.fixture(scope="module")
def plastic():
    """Two inputs, one neuron, two plastic synapses; an instruction takes 2 pJ, from 1 to 5."""
    net = hl.Network("hand")
    net.input("x", 2, signal="spike")
    net.hmn("z", 1, activation="relu", z_max=4.0)
    net.connect("x", "z", weights=0.5, rates={"local": 0.1}, traces={"tau_fast": 5.0}, bounds=[0.0, 1.0])
    known = hl.load_profile("loihi2")
    estimate = Estimate(value=2.0, low=1.0, high=5.0, unit="pJ", source="Made up.", basis="assumed")
    energy = known.energy.model_copy(update={"microcode_instruction": estimate})
    x = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0]], float)
    return hl.profile(hl.compile(net.spec(), allow_lossy=True), {"x": x}, 5,
                      profile=known.model_copy(update={"energy": energy}))  # fmt: skip


def test_transport_is_parted_by_what_it_is_for(plastic):
    """x sends 1, 2, 1, 0, 0 messages in the steps; z, two steps behind it, one each in steps 2, 3 and 4."""
    found = {
        (key.purpose, key.part, key.operation, key.kind): count
        for key, count in plastic.counts.items()
        if key.term == "transport"
    }
    assert found == {
        ("inference", "x", "spike_within_tile", "x"): 4,  # all synapses are on one core
        ("inference", "x_to_z.synapse", "synaptic_operation", "x"): 4,
        ("inference", "x_to_z.synapse", "spike_within_tile", "a"): 4,
        ("inference", "z", "synaptic_operation", "a"): 4,
        ("inference", "x_to_z.synapse", "microcode_instruction", ""): 5 * 2 * 2,  # w x, and its emission
        ("learning", "x_to_z.synapse", "synaptic_operation", "x_learn"): 1 + 2,  # three steps after x
        ("learning", "z", "spike_within_tile", "z"): 3,
        ("learning", "x_to_z.synapse", "synaptic_operation", "z"): 2 * 2,  # of steps 2 and 3, by both synapses
        ("learning", "x_to_z.modulation", "spike_within_tile", "third"): 5,  # the third factor comes in every step
        ("learning", "x_to_z.synapse", "synaptic_operation", "third"): 2 * 3,  # of steps 0 to 2, two steps later
    }


def test_an_entry_of_explain(plastic):
    assert (
        explain(plastic, "neuron")
        == f"""\
neuron: 112 pJ (from 56 to 280) in 5 steps of hand (neurocore, run)
  = 11.2 pJ (from 5.6 to 28) for each of 10 weight updates (2 synapses x 5 steps)
  coefficients of loihi2, sha256 {plastic.profile_sha256[:12]}

neuron: microcode_instruction of z (z), phase spike, for inference
  count        56  an instruction that a compartment executes: all that no skip jumps over
  coefficient  2 pJ (from 1 to 5), assumed
  source       Made up.
  energy       56 x 2 = 112 pJ (from 56 to 280)"""
    )


def test_every_line_is_explained(report):
    text = explain(report, "total")
    for line in report.lines:
        assert line.source in text and f"{line.key.operation} of" in text
    with pytest.raises(hl.InputError, match="transport"):
        explain(report, "nonsense")
    assert "nothing counted in 24 steps" in explain(report, "hop_between_chips")


def test_a_row_of_the_csv_file(plastic, tmp_path):
    write_csv(plastic, tmp_path / "lines.csv")
    with open(tmp_path / "lines.csv", newline="") as stream:
        heading, *rows = csv.reader(stream)
    assert tuple(heading) == COLUMNS and len(rows) == len(plastic.lines)
    (row,) = [row for row in rows if row[:2] == ["neuron", "z"]]
    assert row == ["neuron", "z", "z", "spike", "microcode_instruction", "", "inference", "56", "pJ",
                   "1.0", "2.0", "5.0", "56.0", "112.0", "280.0", "11.2", "assumed", "Made up."]  # fmt: skip


def test_a_term_of_the_json(plastic):
    terms = json.loads(json.dumps(plastic.as_dict()))["energy_per_update"]["terms"]
    (term,) = [term for term in terms if (term["name"], term["component"]) == ("neuron", "z")]
    assert term == {
        "name": "neuron", "component": "z", "part": "z", "phase": "spike", "operation": "microcode_instruction",
        "kind": "", "purpose": "inference", "count": pytest.approx(5.6), "unit": "pJ", "basis": "assumed",
        "coefficient": {"low": 1.0, "typical": 2.0, "high": 5.0}, "source": "Made up.",
        "energy": pytest.approx({"low": 5.6, "typical": 11.2, "high": 28.0}),
    }  # fmt: skip
