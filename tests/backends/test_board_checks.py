"""The questions to a board: what the hypotheses predict, what a run is judged to be, and the networks that ask."""

import dataclasses
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from hmn_lava.backends import board_checks
from hmn_lava.backends.board_checks import CHECKS, NEITHER, NOT_MEASURED, Outcome, find_check, judge, predictions
from hmn_lava.errors import InputError
from hmn_lava.hardware_profiles import load_profile
from hmn_lava.learning import LAVA, LearningRule, check_rule, simulate

sys.path.insert(0, str(Path(__file__).parent))
from extension_double import environment, in_child, needs_lava

HYPOTHESES = [(check, hypothesis) for check in CHECKS for hypothesis in check.hypotheses]
NAMES = [f"{check.name}-{hypothesis.name}" for check, hypothesis in HYPOTHESES]

FOLLOWED_BY_LAVA = {
    "down-scaling": "4 bits",
    "sign-of-y": "negative",
    "rounding": "shared",
    "tag-2": "free, unsigned",
}
"""Known of lava-nc 0.10.0; its CPU model has no learning engine that could be timed."""


def outcomes(check, hypothesis):
    """What a chip for which the hypothesis holds would show."""
    chip = board_checks._turned(load_profile("loihi2"), hypothesis)
    return [board_checks._simulated(check, rule, hypothesis, chip) for rule in check.rules]


def by_hand(check, number, value):
    """Outcomes that show ``value`` as number ``number`` of the first hypothesis' prediction, where that is a weight."""
    (run,) = outcomes(check, check.hypotheses[0])
    weights = run.weights.copy()
    weights.flat[number] = value
    return [dataclasses.replace(run, weights=weights)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_hypotheses_can_be_told_apart(check):
    """No two predictions are both within the tolerance of one observation."""
    found = predictions(check)
    assert len(found) == len(check.hypotheses) >= 2
    for (_, one), (_, other) in combinations(found.items(), 2):
        assert len(one) == len(other) == len(check.numbers)
        assert any(abs(a - b) > 2 * check.tolerance for a, b in zip(one, other, strict=True)), found


@pytest.mark.parametrize(("check", "hypothesis"), HYPOTHESES, ids=NAMES)
def test_a_chip_that_follows_a_hypothesis_is_judged_so(check, hypothesis):
    verdict = judge(check, outcomes(check, hypothesis))
    assert verdict.says == hypothesis.name
    assert verdict.sentence.startswith(f"{check.name}: {hypothesis.name} (")


def test_predictions_follow_the_engine():
    """The profile's own switches give one of the predictions; turned, each gives its own."""
    profile = load_profile("loihi2")
    for check in CHECKS[:2]:
        (rule,) = check.rules
        supplied = None if check.y3 is None else {"y3": np.tile(check.y3, (check.steps, 1))}
        post = np.zeros((check.steps, len(check.weights)), int)
        history = simulate(rule, check.pre, post, check.weights, y_traces=supplied, sign_mode="excitatory")
        assert tuple(history.weights[-1].ravel()) in predictions(check, profile).values()


def test_the_down_scaling_predictions_differ_by_the_factor_of_two_that_is_open():
    found = predictions(find_check("down-scaling"))
    start = find_check("down-scaling").weights.ravel()
    assert (np.array(found["3 bits"]) - start == 2 * (np.array(found["4 bits"]) - start)).all()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_rules_fit_the_chip_and_no_weight_saturates(check):
    levels = LAVA.levels("weights", board_checks.SIGN_MODE)
    for keywords in check.rules:
        findings = check_rule(LearningRule.of(keywords), profile="loihi2")
        assert [finding for finding in findings if finding.severity == "error"] == []
    for hypothesis in check.hypotheses:
        for run in outcomes(check, hypothesis):
            assert levels.low < run.weights.min()
            assert run.weights.max() < levels.high


def test_a_result_that_no_hypothesis_predicts_is_neither_with_the_numbers():
    check = find_check("down-scaling")
    verdict = judge(check, by_hand(check, 0, 48))
    assert (verdict.says, verdict.observed) == (NEITHER, (48, 96))
    assert verdict.sentence == (
        "down-scaling: neither (weight 1 48, weight 2 96; 4 bits predicts 80, 96; 3 bits predicts 144, 160)"
    )


def test_draws_that_are_shared_by_row_are_neither():
    weights = np.full((8, 8), 100) + np.arange(8)[:, None]
    verdict = judge(find_check("rounding"), [Outcome(weights=weights)])
    assert (verdict.says, verdict.observed) == (NEITHER, (8, 1))


@pytest.mark.parametrize(
    ("always", "decimated", "says", "epochs"),
    [
        (1e-4, 1e-4, "as any other", 128),
        (1e-4, 0.9e-4, "as any other", 115),
        (1e-4, 0.1e-4, "free", 13),
        (1e-4, 0.5e-4, NEITHER, 64),
        (0.0, 0.0, "free", 0),
    ],
)
def test_idle_epochs_are_judged_by_measured_times(always, decimated, says, epochs):
    """Within an eighth of the epochs, since a time is not exact."""
    runs = [Outcome(learning_time=always), Outcome(learning_time=decimated)]
    verdict = judge(find_check("idle-epochs"), runs)
    assert verdict.observed == (epochs,)
    if always:
        assert verdict.says == says


def test_what_is_missing_is_not_measured():
    check = find_check("tag-2")
    verdict = judge(check, [Outcome(tag_2=np.zeros((4, 1), int))], note="a note")
    assert (verdict.says, verdict.observed) == (NOT_MEASURED, None)
    assert verdict.sentence == "tag-2: not measured: the run shows no first_output; a note"
    assert judge(check, None).note == "it was not run"


def test_an_unknown_check_is_refused():
    with pytest.raises(InputError) as caught:
        find_check("tags")
    assert "tag-2" in caught.value.remedy


RUN = """
import json
from hmn_lava.backends.board_checks import CHECKS, judge
from hmn_lava.backends.board_run import observe
from hmn_lava.backends.hosts import parse_host
from hmn_lava.errors import HmnError
said = {{}}
for check in CHECKS[{first}:]:
    try:
        runs, note = observe(check, {backend!r}, {host}, 60)
        said[check.name] = [judge(check, runs).says, note]
    except HmnError as error:
        said[check.name] = [type(error).__name__, str(error)]
print(json.dumps(said))
"""


@needs_lava
def test_lavas_cpu_model_follows_what_is_known_of_it():
    """The networks in Lava's runtime, without the extension."""
    said = in_child(RUN.format(backend="lava", host=None, first=0), environment(double=False))
    assert {name: says for name, (says, _) in said.items() if name in FOLLOWED_BY_LAVA} == FOLLOWED_BY_LAVA
    assert said["idle-epochs"][0] == NOT_MEASURED
    assert "no learning engine" in said["idle-epochs"][1]


@needs_lava
def test_the_boards_path_runs_through_the_double(tmp_path):
    """Hosts, adapters, Loihi2HwCfg and Profiler are called as published; the double computes with Lava's CPU models."""
    calls = tmp_path / "calls.jsonl"
    variables = {"HMN_LAVA_DOUBLE_CALLS": str(calls), "HMN_LAVA_DOUBLE_LEARNING": "3.0,3.0"}
    code = RUN.format(backend="board", host="parse_host('slurm')", first=0)
    said = in_child(code, environment(tmp_path, **variables))
    assert {name: says for name, (says, _) in said.items()} == FOLLOWED_BY_LAVA | {"idle-epochs": "as any other"}
    assert all(note == "" for _, note in said.values())
    recorded = calls.read_text()
    for wanted in (
        '["PyToNxAdapter", {"shape": [1], "num_message_bits": 0}]',
        '["PyToNxAdapter", {"shape": [2], "num_message_bits": 24}]',
        '["NxToPyAdapter", {"shape": [4], "num_message_bits": 0}]',
        '["Loihi2HWProfiler", {"run_cfg": "Loihi2HwCfg"}]',
        '["execution_time_probe", {"num_steps": 128}]',
    ):
        assert wanted in recorded
    assert recorded.count("PyToNxAdapter") == 7  # one for each of six networks, and one for y3
    assert recorded.count("NxToPyAdapter") == 1


@needs_lava
def test_measured_times_decide_about_idle_epochs(tmp_path):
    """With a double that says what a board with free idle epochs would say, and no energy."""
    variables = {"HMN_LAVA_DOUBLE_LEARNING": "3.2,0.2", "HMN_LAVA_DOUBLE_NO_ENERGY": "1"}
    code = RUN.format(backend="board", host="parse_host('slurm')", first=len(CHECKS) - 1)
    (said,) = in_child(code, environment(tmp_path, **variables)).values()
    assert said[0] == "free"
    assert "no energy probe" in said[1]


@needs_lava
def test_a_cpu_model_in_place_of_a_neurocore_model_is_refused(tmp_path):
    """Loihi2HwCfg takes a Python model where the extension has no other, without a word."""
    hide = (
        "from hmn_lava.processes.jobs import board_check as job\n"
        "from hmn_lava.backends.board_checks import CHECKS; from hmn_lava.backends.hosts import parse_host\n"
        "from hmn_lava.errors import BackendError; import json\n"
        "from lava.proc.lif.process import LIF\n"
        "from lava.proc.lif.models import PyLifModelBitAcc\n"
        "plain = job.configuration_of\n"
        "def configuration(host):\n"
        "    made = plain(host); made.exception_proc_model_map[LIF] = PyLifModelBitAcc; return made\n"
        "job.configuration_of = configuration\n"
        "try:\n"
        "    job.run_one(CHECKS[0], CHECKS[0].rules[0], parse_host('slurm'), [])\n"
        "except BackendError as error:\n"
        "    print(json.dumps(str(error)))\n"
    )
    message = in_child(hide, environment(tmp_path))
    assert message == (
        "the extension has no neurocore model of LIF: Lava would run PyLifModelBitAcc on the CPU; nothing was run."
    )
