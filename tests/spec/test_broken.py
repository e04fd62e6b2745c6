"""Broken specs: each is one InputError that names the field and the remedy, and fits on a screen."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmn_lava.errors import InputError
from hmn_lava.spec import load_spec, resolve, spec_from_dict
from hmn_lava.spec.sizes import refuse_huge

NAN, INF = float("nan"), float("inf")


class Gone:
    """Marks a field that a row removes; its text is the same in every process."""

    def __repr__(self) -> str:
        return "gone"


GONE = Gone()
HMN = {"type": "hmn", "size": 2, "activation": "sigmoid"}
HY = {"type": "hmn", "source": "h", "target": "y", "weights": 0.1, "rates": {"global": 0.05}}
LOOP = {"type": "static", "source": "y", "target": "h", "weights": 1.0}

# changed field | new value | field that the message names (None: the same) | words of the problem and of the remedy
TABLE: list[tuple[str, Any, str | None, list[str]]] = [
    # the file as a whole
    ("hmn_lava", 2, None, ["version is not known", "write hmn_lava: 1"]),
    ("hmn_lava", True, None, ["version of the format", "write hmn_lava: 1"]),
    ("hmn_lava", GONE, None, ["is missing", "add it"]),
    ("name", GONE, None, ["is missing", "add it"]),
    ("name", "two words", None, ["is not a name", "use a letter"]),
    ("nmae", "x", None, ["unknown key", "did you mean 'name'?"]),
    ("description", 7, None, ["must be text", "quotes"]),
    ("populations", {}, None, ["too few items", "add"]),
    ("populations", [1], None, ["must be a mapping", "key: value"]),
    ("populations.9x", HMN, None, ["is not a name", "use a letter"]),
    ("populations.global", HMN, None, ["name of the global attention", "rename it"]),
    ("populations.hy", HMN, "connections.hy", ["populations.hy has the same name", "a name of its own"]),
    # populations
    ("populations.x.size", 0, None, ["must be >= 1", "use a number >= 1"]),
    ("populations.x.size", -3, None, ["must be >= 1"]),
    ("populations.x.size", 2**24 + 1, None, ["must be <= 16777216"]),
    ("populations.x.size", 10**30, None, ["must be <= 16777216"]),
    ("populations.x.size", True, None, ["must be a whole number", "without a decimal point"]),
    ("populations.x.size", 4.0, None, ["must be a whole number"]),
    ("populations.x.size", "4", None, ["must be a whole number", "quotes"]),
    ("populations.x.type", "inptu", None, ["one of input, hmn, lif", "did you mean 'input'?"]),
    ("populations.x.type", GONE, None, ["needs 'type'", "use one of: input, hmn, lif"]),
    ("populations.x", 5, "populations.x.type", ["needs 'type'"]),
    ("populations.x.signal", "spikes", None, ["'graded' or 'spike'", "did you mean 'spike'?"]),
    ("populations.x.range", [1, 0], None, ["not below the upper", "low < high"]),
    ("populations.x.range", [0, NAN], "populations.x.range.1", ["must be finite"]),
    ("populations.x.range", 1, None, ["must be a list", "[a, b]"]),
    (
        "populations.x",
        {"type": "input", "size": 1, "signal": "spike", "range": [0, 2]},
        "populations.x.range",
        ["0 and 1"],
    ),
    ("populations.h.du", 1.5, None, ["must be <= 1"]),
    ("populations.h.dv", -0.1, None, ["must be >= 0"]),
    ("populations.h.vth", 0, None, ["must be > 0", "use a number > 0"]),
    ("populations.h.du", [0.5, 0.5], None, ["needs (3,), one per neuron"]),
    ("populations.h.vth", [1.0, -2.0, 1.0], None, ["must be > 0", "got -2"]),
    ("populations.h.v_reset", 2.0, None, ["is above the threshold"]),
    ("populations.h.reset", "none", None, ["'value' or 'subtract'"]),
    ("populations.h.refractory", -1, None, ["must be >= 0"]),
    ("populations.h.refractory", 1.5, None, ["must be a whole number"]),
    ("populations.h.output", "current", None, ["'spike' or 'voltage'"]),
    ("populations.h.z_max", 2.0, None, ["has no meaning with output spike"]),
    ("populations.h.restart", {"every": 0}, "populations.h.restart.every", ["must be >= 1"]),
    ("populations.h.restart", {"every": 4, "at": 4}, "populations.h.restart.at", ["is not below every (4)"]),
    (
        "populations.h",
        {"type": "lif", "size": 3, "output": "voltage", "refractory": 2},
        "populations.h.refractory",
        ["has no meaning with output voltage"],
    ),
    (
        "populations.h",
        {"type": "sigma_delta", "size": 3, "difference": False, "vth": 1.0},
        "populations.h.vth",
        ["has no meaning with difference false"],
    ),
    (
        "populations.h",
        {"type": "resonator", "size": 3, "decay_re": 1.5, "decay_im": 0.1},
        "populations.h.decay_re",
        ["must be <= 1"],
    ),
    ("populations.h", {"type": "resonator", "size": 3}, "populations.h.decay_re", ["is missing"]),
    ("populations.y", {"type": "sigma_delta", "size": 2}, "connections.hy.target", ["need neurons that do"]),
    ("populations.h.tau", 5, None, ["unknown key", "use one of: bias, du"]),
    ("populations.h.bias", [0, 0], None, ["shape (2,), needs (3,), one per neuron", "give 3 values"]),
    ("populations.h.bias", {"init": "orthogonal"}, None, ["orthogonal needs a matrix", "use constant"]),
    ("populations.y.activation", "tanh", None, ["'relu', 'sigmoid' or 'lif'", "use one of"]),
    ("populations.y.activation", "lif", "populations.y.lif", ["missing with activation lif", "add lif"]),
    ("populations.y.lif", {"du": 1.0}, None, ["no meaning with activation sigmoid", "remove it"]),
    ("populations.y.z_max", 3.0, None, ["no meaning with activation sigmoid", "activation: relu"]),
    ("populations.y.noise", -0.1, None, ["must be >= 0"]),
    ("populations.y.noise", "0.1", None, ["must be a number", "remove the quotes"]),
    ("populations.y.noise", 1e10, None, ["larger than 1e+09", "between"]),
    ("populations.y.noise", INF, None, ["must be finite", "write a finite number"]),
    ("populations.y.competition", "winner", "populations.y.competition.type", ["winner_take_all"]),
    (
        "populations.y.competition",
        {"type": "sample", "temperature": 0},
        "populations.y.competition.temperature",
        ["> 0"],
    ),
    ("populations.y.competition", {"temperature": 1}, "populations.y.competition.temperature", ["use type: sample"]),
    # connections
    ("connections.hy.source", "hidden", None, ["no such population", "use one of: h, one, x, y"]),
    ("connections.hy.target", "yy", None, ["no such population", "did you mean 'y'?"]),
    ("connections.hy.target", "x", None, ["takes its values from outside", "target an hmn or lif population"]),
    ("connections.xh.target", "one", None, ["takes its values from outside"]),
    ("connections.hy.type", "plastic", None, ["one of static, conv, pool, hmn"]),
    ("connections.hy.weights", GONE, None, ["is missing"]),
    ("connections.hy.weights", NAN, None, ["must be finite"]),
    ("connections.hy.weights", True, None, ["must be a number"]),
    ("connections.hy.weights", [[0.1, NAN, 0.1], [0.1, 0.1, 0.1]], None, ["holds NaN", "replace"]),
    (
        "connections.hy.weights",
        [[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]],
        None,
        ["shape (3, 2), needs (2, 3): post, pre", "give"],
    ),
    ("connections.hy.weights", [[0.1, 0.1], [0.1]], None, ["rows differ in length", "equal length"]),
    ("connections.hy.weights", [[0.1, "a"]], None, ["must hold numbers only"]),
    ("connections.hy.weights", 2.0, None, ["outside bounds [-1, 1]", "widen bounds"]),
    ("connections.hy.weights", {"init": "uniform", "low": -2, "high": 2}, None, ["outside bounds [-1, 1]"]),
    ("connections.hy.weights", {"init": "normall"}, "connections.hy.weights.init", ["did you mean 'normal'?"]),
    ("connections.hy.weights", {"init": "normal", "std": -1}, "connections.hy.weights.std", ["must be >= 0"]),
    ("connections.hy.weights", {"init": "normal", "sd": 1}, "connections.hy.weights.sd", ["did you mean 'std'?"]),
    (
        "connections.hy.weights",
        {"init": "uniform", "low": 1, "high": 0},
        "connections.hy.weights.low",
        ["use low <= high"],
    ),
    ("connections.hy.weights", {"std": 1}, "connections.hy.weights.init", ["needs 'init'"]),
    ("connections.hy.weights", {"npz": "a.npz"}, "connections.hy.weights.key", ["is missing"]),
    ("connections.hy.bounds", [1, -1], None, ["not below the upper"]),
    ("connections.hy.bounds", [0, 0], None, ["not below the upper"]),
    ("connections.hy.bounds", [0, 1, 2], None, ["too many items"]),
    ("connections.hy.delay", 64, None, ["whole steps 0..63", "from 0 to 63"]),
    ("connections.hy.delay", -1, None, ["whole steps 0..63"]),
    ("connections.hy.delay", 1.5, None, ["whole steps 0..63"]),
    ("connections.hy.delay", [[0, 0, 0], [0, 0, 99]], None, ["whole steps 0..63", "got 99"]),
    ("connections.hy.delay", {"init": "normal"}, None, ["draws no whole numbers", "use constant or uniform"]),
    ("connections.hy.delay", {"init": "uniform", "low": 0, "high": 1.5}, None, ["must be whole numbers"]),
    ("connections.hy.topology", "sparse", None, ["must be 'dense'"]),
    ("connections.hy.topology", {"density": 0}, "connections.hy.topology.density", ["must be > 0"]),
    ("connections.hy.topology", {"density": 1.01}, "connections.hy.topology.density", ["must be <= 1"]),
    ("connections.hy.topology", {"density": 1e-9}, None, ["no synapse at all", "raise the density"]),
    ("connections.hy.topology", [[0, 2], [0, 0]], None, ["post number is outside 0..1", "count from 0"]),
    ("connections.hy.topology", [[0, 1], [0, 3]], None, ["pre number is outside 0..2"]),
    ("connections.hy.topology", [[0, 0], [1, 1]], None, ["names a synapse twice", "once"]),
    ("connections.hy.topology", [[0, 0.5], [1, 1]], None, ["must be whole"]),
    ("connections.hy.topology", [0, 1], None, ["shape (2,), needs a 0/1 mask (2, 3)"]),
    ("connections.hy.traces", {"tau_fast": -1}, "connections.hy.traces.tau_fast", ["must be > 0"]),
    ("connections.hy.traces", {"tau_fast": 0}, "connections.hy.traces.tau_fast", ["must be > 0"]),
    (
        "connections.hy.traces",
        {"tau_fast": 60},
        "connections.hy.traces.tau_fast",
        ["not below tau_slow (50)", "tau_slow: null"],
    ),
    ("connections.hy.traces", {"mode": "adding"}, "connections.hy.traces.mode", ["'replacing' or 'accumulating'"]),
    ("connections.hy.traces", {"tau_fst": 3}, "connections.hy.traces.tau_fst", ["did you mean 'tau_fast'?"]),
    ("connections.hy.rates", GONE, None, ["is missing"]),
    ("connections.hy.rates", {"global": -0.1}, "connections.hy.rates.global", ["must be >= 0"]),
    ("connections.hy.rates", {"globl": 0.1}, "connections.hy.rates.globl", ["did you mean 'global'?"]),
    ("connections.hy.rates", 0.1, None, ["must be a mapping"]),
    ("connections.hy.learning", "yes", None, ["must be true or false"]),
    ("connections.hy.modulators", ["n"], "connections.hy.modulators.0", ["no such modulator", "use one of: m"]),
    ("connections.hy.modulators", ["m", "m"], "connections.hy.modulators.1", ["named twice"]),
    ("connections.hy.modulators", "m", None, ["must be a list"]),
    ("connections.hy.attention", {"beta": -1}, "connections.hy.attention.beta", ["must be >= 0"]),
    ("connections.hy.attention", {"dimensions": 0}, "connections.hy.attention.dimensions", ["must be >= 1"]),
    ("connections.hy.attention", {"context_rate": 0}, "connections.hy.attention.context_rate", ["must be > 0"]),
    (
        "connections.hy.attention",
        {"dimensions": 2, "key": [[1, 2, 3]]},
        "connections.hy.attention.key",
        ["shape (1, 3), needs (2, 2): neurons, dimensions", "give an array of shape (2, 2)"],
    ),
    ("connections.hy.attention", {"embedding": [1, 2]}, "connections.hy.attention.embedding", ["needs (3, 1)"]),
    (
        "connections.hy.phase_gate",
        {"oscillator": "theta"},
        "connections.hy.phase_gate.oscillator",
        ["no such oscillator"],
    ),
    ("connections.hy.probabilistic_gate", {"threshold": -1}, "connections.hy.probabilistic_gate.threshold", [">= 0"]),
    (
        "connections.hh",
        {**LOOP, "source": "h", "target": "h"},
        "connections.hh.delay",
        ["h -> h", "delay of 1 or more"],
    ),
    ("connections.yh", LOOP, "connections.hy.delay", ["h -> y -> h", "(connections hy, yh)", "delay of 1 or more"]),
    # what stands around them
    ("modulators.m.source", "x", None, ["size 1, x has size 4", "use a population of size 1"]),
    ("modulators.m.source", "y", None, ["needs an input population"]),
    ("modulators.m.type", "dopamine", None, ["one of input, reward, uncertainty, novelty"]),
    ("modulators.m.on", "delivery", None, ["unknown key"]),
    ("modulators.m", {"type": "uncertainty", "source": "x"}, "modulators.m.source", ["hmn or lif population"]),
    ("modulators.m", {"type": "novelty", "source": "z"}, "modulators.m.source", ["no such population"]),
    ("modulators.m", {"type": "reward", "source": "one", "mean_rate": 2}, "modulators.m.mean_rate", ["must be <= 1"]),
    ("modulators.m.weight", INF, None, ["must be finite"]),
    ("global_attention", {"context": "nowhere"}, "global_attention.context", ["no such population"]),
    (
        "global_attention",
        {"context": "x"},
        "global_attention.context",
        ["x has size 4, an input context needs 1", "equal"],
    ),
    (
        "global_attention",
        {"context": "one", "key": 2},
        "global_attention.key",
        ["no meaning with an input", "remove it"],
    ),
    (
        "global_attention",
        {"context": "y", "dimensions": 2, "key": [[1, 2, 3]]},
        "global_attention.key",
        ["needs (2, 2)"],
    ),
    ("oscillators", {"theta": {"period": 0}}, "oscillators.theta.period", ["must be > 0"]),
    ("oscillators", {"theta": {"period": 8, "phse": 1}}, "oscillators.theta.phse", ["did you mean 'phase'?"]),
    ("meta_learning", {"method": "adam"}, "meta_learning.method", ["'spsa' or 'reinforce'"]),
    ("meta_learning", {"parameters": []}, "meta_learning.parameters", ["too few items"]),
    ("meta_learning", {"parameters": ["eta_local"] * 2}, "meta_learning.parameters", ["twice", "once"]),
    ("meta_learning", {"parameters": ["beta_gate"]}, "meta_learning.parameters.0", ["no hmn connection has this"]),
    ("meta_learning", {"bounds": {"eta_local": [-1, 1]}}, "meta_learning.bounds.eta_local", ["negative"]),
    ("meta_learning", {"bounds": {"tau_fast": [1, 2]}}, "meta_learning.bounds.tau_fast", ["not among the parameters"]),
    ("formats", {"hy.w": 25}, "formats.hy.w", ["must be <= 24"]),
    ("formats", {"hy.w": 1}, "formats.hy.w", ["must be >= 2"]),
    ("formats", {"xh.w": "s30.2"}, "formats.xh.w", ["does not fit a word"]),
    ("formats", {"xh.w": "s8"}, "formats.xh.w", ["is no format", "such as s24.6"]),
    ("formats", {"hyy.w": 8}, "formats.hyy.w", ["no such object", "did you mean 'hy'?"]),
    ("formats", {"hy.psi": 8}, "formats.hy.psi", ["no such signal", "psi_fast"]),
    ("formats", {"weights": 8}, "formats.weights", ["object.symbol"]),
    ("stimulus", {"y": {"type": "constant", "value": 1}}, "stimulus.y", ["not an input population"]),
    ("stimulus", {"x": {"type": "bernoulli", "rate": 1.5}}, "stimulus.x.rate", ["must be <= 1"]),
    (
        "stimulus",
        {"x": {"type": "constant", "value": 3}},
        "stimulus.x.value",
        ["outside the range [0, 1]", "widen range"],
    ),
    ("stimulus", {"x": {"type": "poisson", "rate": 1}}, "stimulus.x.type", ["bernoulli, constant, npz"]),
]


def changed(data: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(data)
    inner, (*path, last) = data, field.split(".")
    for key in path:
        inner = inner[key]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return data


@pytest.mark.parametrize(("field", "value", "named", "words"), TABLE, ids=[f"{row[0]}={row[1]!r:.40}" for row in TABLE])
def test_a_broken_spec_is_one_clear_error(
    small: dict[str, Any], field: str, value: Any, named: str | None, words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        resolve(spec_from_dict(changed(small, field, value)))
    text = str(caught.value)
    assert caught.value.field == (named or field)
    assert (named or field) in text and caught.value.remedy in text and caught.value.remedy
    for word in words:
        assert word in text
    assert len(text.splitlines()) <= 20 and "pydantic" not in text


def test_the_unbroken_spec_is_fine(small: dict[str, Any]) -> None:
    assert resolve(spec_from_dict(small)).order == ("x", "one", "h", "y")


def test_spike_inputs_take_spikes(small: dict[str, Any]) -> None:
    small["populations"]["x"]["signal"] = "spike"
    small["stimulus"] = {"x": {"type": "bernoulli", "rate": 0.5, "value": 0.5}}
    with pytest.raises(InputError, match=r"stimulus\.x\.value: bernoulli value of a spike input[\s\S]*use 0 or 1"):
        spec_from_dict(small)


def test_all_problems_are_told_at_once(small: dict[str, Any]) -> None:
    small["populations"]["x"]["size"] = 0
    small["connections"]["hy"]["rates"] = {"global": -1}
    small["nmae"] = 1
    with pytest.raises(InputError) as caught:
        spec_from_dict(small)
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 problems" and len(lines) == 4
    assert any("populations.x.size" in line and "got 0" in line and "use a number >= 1" in line for line in lines)


def test_many_problems_fit_on_a_screen(small: dict[str, Any]) -> None:
    small["populations"].update({f"p{i}": {"type": "input", "size": 0} for i in range(100)})
    with pytest.raises(InputError) as caught:
        spec_from_dict(small)
    lines = str(caught.value).splitlines()
    assert len(lines) <= 20 and lines[0] == "100 problems" and lines[-1] == "  ... and 82 more"


def test_references_are_told_all_at_once(small: dict[str, Any]) -> None:
    small["connections"]["hy"].update(source="a", target="b")
    with pytest.raises(InputError, match=r"2 problems[\s\S]*hy\.source[\s\S]*hy\.target"):
        spec_from_dict(small)


def test_a_loop_with_one_delay_is_fine_and_without_is_named(small: dict[str, Any]) -> None:
    small["connections"]["yh"] = {**LOOP, "delay": 1}
    assert resolve(spec_from_dict(small)).order == ("x", "one", "h", "y")
    small["connections"]["yh"]["delay"] = [[1, 1], [1, 0], [1, 1]]  # one synapse without delay closes the loop
    with pytest.raises(InputError, match="loop without delay: h -> y -> h"):
        resolve(spec_from_dict(small))


def test_the_modulators_key_has_the_dimensions_of_global_attention(small: dict[str, Any]) -> None:
    small["modulators"]["m"]["key"] = [1, 2]
    assert resolve(spec_from_dict(small)).modulators["m"].key.tolist() == [1, 2]
    small["global_attention"] = {"context": "y", "dimensions": 3}
    with pytest.raises(InputError, match=r"modulators\.m\.key: has shape \(2,\), needs \(3,\), the dimensions"):
        resolve(spec_from_dict(small))


@pytest.mark.parametrize("seed", [-1, True, 1.0, "0", 2**63])
def test_a_seed_is_a_whole_number(small: dict[str, Any], seed: Any) -> None:
    with pytest.raises(InputError, match=r"seed: must be a whole number[\s\S]*remedy"):
        resolve(spec_from_dict(small), seed)


def test_huge_connections_are_refused_before_they_are_made(small: dict[str, Any]) -> None:
    small["populations"]["x"]["size"] = small["populations"]["h"]["size"] = 2**24
    with pytest.raises(InputError, match=r"connections\.xh\.topology: .*limit 2147483648[\s\S]*sparser topology"):
        resolve(spec_from_dict(small))


def test_more_than_the_memory_is_refused(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmn_lava.spec.sizes.memory", lambda: 100)
    with pytest.raises(InputError, match=r"connections: need about .* GB, this machine has[\s\S]*smaller populations"):
        resolve(spec_from_dict(small))


EIGHT_GIB = 8 << 30


@pytest.mark.parametrize(
    ("n_post", "n_pre", "topology", "more", "fits"),
    [
        (8192, 8192, "dense", {}, True),
        (16384, 16384, {"density": 0.01}, {}, True),
        (100_000, 100_000, {"density": 0.01}, {}, True),
        (100_000, 100_000, {"density": 0.01}, {"delay": {"init": "uniform", "low": 0, "high": 7}}, True),
        (31_623, 31_623, "dense", {}, False),
        (100_000, 100_000, {"density": 0.02}, {"delay": {"init": "uniform", "low": 0, "high": 7}}, False),
    ],
)
def test_what_fits_in_eight_gibibytes_is_not_refused(
    n_post: int, n_pre: int, topology: Any, more: Any, fits: bool, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmn_lava.spec.sizes.memory", lambda: EIGHT_GIB)
    small["populations"]["x"]["size"], small["populations"]["h"]["size"] = n_pre, n_post
    small["connections"]["xh"] |= {"topology": topology, **more}
    del small["connections"]["hy"]
    spec = spec_from_dict(small)
    if fits:
        refuse_huge(spec)
        return
    with pytest.raises(InputError, match=r"connections: need about .* GB, this machine has 8\.59 GB"):
        refuse_huge(spec)


# ---- files

FILES: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["is empty", "start with hmn_lava: 1"]),
    "only a comment": (b"# nothing\n", ["is empty"]),
    "null": (b"null", ["a spec is a mapping", "start with hmn_lava: 1"]),
    "a list": (b"- 1\n- 2\n", ["a spec is a mapping", "got 'list'"]),
    "text": (b"hello", ["a spec is a mapping", "got 'str'"]),
    "not UTF-8": (b"name: \xff\xfe\n", ["is not UTF-8 (byte 6)", "save the file as UTF-8"]),
    "control characters": (b"name: \x00\x01\n", ["not valid YAML", "correct the syntax"]),
    "bad syntax": (b"hmn_lava: 1\nname: [1, 2\n", ["spec.yaml:3", "not valid YAML", "correct the syntax"]),
    "tab": (b"hmn_lava: 1\npopulations:\n\tx: 1\n", ["spec.yaml:3", "not valid YAML"]),
    "a Python object": (b"name: !!python/object/apply:os.getcwd []\n", ["spec.yaml:1", "not valid YAML"]),
    "two documents": (b"hmn_lava: 1\n---\nhmn_lava: 1\n", ["not valid YAML", "another document"]),
    "duplicate key": (
        b"hmn_lava: 1\nname: a\nname: b\n",
        ["spec.yaml:3", "name", "twice, first in line 2", "remove or"],
    ),
    "number as key": (b"hmn_lava: 1\npopulations: {1: {}}\n", ["spec.yaml:2", "a key must be text", "quotes"]),
    "merge key": (b"hmn_lava: 1\nname: a\npopulations: {}\n<<: {}\n", ["<<: unknown key"]),
    "list as key": (b"? [1]\n: 2\n", ["a key must be text"]),
    "deep": (b"[" * 500, ["nested deeper than 32", "flatten"]),
    "deep mapping": (b"{a: " * 500 + b"1" + b"}" * 500, ["nested deeper than 32", "flatten"]),
    "cyclic alias": (b"hmn_lava: &a [*a]\n", ["an alias contains itself", "write the value out"]),
    "unknown alias": (b"name: *nobody\n", ["not valid YAML", "undefined alias"]),
    "huge number": (b"hmn_lava: 1\nname: " + b"9" * 9000, ["name: is not a name"]),
    "bad date": (b"hmn_lava: 1\nname: 2020-99-99\n", ["is not a name"]),
    "binary": (b"name: !!binary 'a'\n", ["spec.yaml:1", "tag 'binary' does not fit", "remove the tag"]),
    "no bool": (b"name: !!bool maybe\n", ["tag 'bool' does not fit", "maybe"]),
    "no number": (b"name: !!float many\n", ["tag 'float' does not fit"]),
    "no date": (b"name: !!timestamp soon\n", ["tag 'timestamp' does not fit"]),
    "a list as number": (b"name: !!int [1]\n", ["spec.yaml:1", "not valid YAML"]),
    "a set": (b"name: !!set {a, b}\n", ["spec.yaml"]),
    "pairs": (b"name: !!pairs [a: b]\n", ["spec.yaml"]),
    "bomb": (
        b"a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 10)),
        ["aliases expand to more than", "write the values out"],
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_broken_file_is_one_clear_error(tmp_path: Path, case: str) -> None:
    data, words = FILES[case]
    file = tmp_path / "spec.yaml"
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_spec(file)
    text = str(caught.value)
    assert str(file) in text and len(text.splitlines()) <= 20 and caught.value.remedy in text
    for word in words:
        assert word in text


def test_a_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file[\s\S]*give the path"):
        load_spec(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"spec\.yaml: no such file"):
        load_spec(tmp_path)  # a folder without spec.yaml
    with pytest.raises(InputError, match=r"a path|no such file"):
        load_spec("a\0b")


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmn_lava.spec.load.MAX_BYTES", 100)
    (tmp_path / "spec.yaml").write_bytes(b"#" * 101)
    with pytest.raises(InputError, match=r"larger than 100 bytes[\s\S]*npz file beside it"):
        load_spec(tmp_path)


def test_an_unknown_key_cannot_write_to_the_terminal(small: dict[str, Any]) -> None:
    small["\x1b[2J"] = 1
    with pytest.raises(InputError) as caught:
        spec_from_dict(small)
    assert "\x1b" not in str(caught.value) and "unknown key" in str(caught.value)


# ---- npz files


def npz(folder: Path, **arrays: Any) -> None:
    np.savez(folder / "a.npz", **arrays)


def weights_of(small: dict[str, Any], folder: Path | None, name: str = "a.npz", key: str = "w") -> Any:
    small["connections"]["hy"]["weights"] = {"npz": name, "key": key}
    return resolve(spec_from_dict(small, folder)).connections["hy"].weights


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((2, 3), np.nan), ["holds NaN or infinity", "replace"]),
        (np.full((2, 3), np.inf, np.float32), ["holds NaN or infinity"]),
        (np.full((2, 3), 1e12), ["beyond 1e+09", "scale"]),
        (np.zeros((2, 3), complex), ["dtype complex128", "save float64"]),
        (np.zeros((2, 3), "U1"), ["dtype <U1", "save float64"]),
        (np.zeros((2, 3), "M8[s]"), ["dtype", "save float64"]),
        (np.zeros((2, 3), [("a", "f8")]), ["dtype", "save float64"]),
        (np.array([[None] * 3] * 2, dtype=object), ["pickled objects", "pickle is not read"]),
        (np.zeros((3, 2)), ["shape (3, 2), needs (2, 3)", "shape (2, 3)"]),
        (np.zeros(6), ["shape (6,), needs (2, 3)"]),
        (np.full((2, 3), 1.5), ["outside bounds", "widen bounds"]),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_an_array_of_a_file_is_checked(small: dict[str, Any], tmp_path: Path, array: Any, words: list[str]) -> None:
    npz(tmp_path, w=array)
    with pytest.raises(InputError) as caught:
        weights_of(small, tmp_path)
    for word in ["connections.hy.weights", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", ["not a relative path", "beside the spec"]),
        ("C:\\a.npz", ["not a relative path"]),
        ("../a.npz", ["leaves the spec's folder", "without '..'"]),
        ("sub/../../a.npz", ["leaves the spec's folder"]),
        ("..\\a.npz", ["leaves the spec's folder"]),
        ("link.npz", ["out of the spec's folder by a link", "copy the file"]),
        ("out/a.npz", ["out of the spec's folder by a link"]),
        ("round.npz", ["file not found"]),
        ("none.npz", ["file not found", "correct its name"]),
        ("inside", ["is not a file", "name an npz file"]),
        (".", ["is not a file"]),
        ("text.npz", ["cannot read array 'w'", "numpy.savez"]),
        ("cut.npz", ["cannot read array 'w'", "numpy.savez"]),
        ("w.npy", ["cannot read array 'w'"]),
    ],
)
def test_only_npz_files_inside_the_folder_are_read(
    small: dict[str, Any], tmp_path: Path, name: str, words: list[str]
) -> None:
    folder = tmp_path / "spec"
    (folder / "inside").mkdir(parents=True)
    npz(tmp_path, w=np.zeros((2, 3)))
    (folder / "link.npz").symlink_to(tmp_path / "a.npz")
    (folder / "out").symlink_to(tmp_path)
    (folder / "round.npz").symlink_to(folder / "round.npz")
    (folder / "text.npz").write_text("not a zip")
    (folder / "cut.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
    np.save(folder / "w.npy", np.zeros((2, 3)))
    with pytest.raises(InputError) as caught:
        weights_of(small, folder, name)
    for word in ["connections.hy.weights", *words]:
        assert word in str(caught.value)


def test_a_missing_array_is_named(small: dict[str, Any], tmp_path: Path) -> None:
    npz(tmp_path, v=np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"a\.npz has no array 'w'[\s\S]*use one of its arrays: 'v'"):
        weights_of(small, tmp_path)


def test_a_spec_without_a_folder_has_no_files(small: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"the spec has no folder[\s\S]*load the spec from a file"):
        weights_of(small, None)


def test_a_header_that_lies_about_the_size_allocates_nothing(small: dict[str, Any], tmp_path: Path) -> None:
    npz(tmp_path, w=np.zeros((2, 3)))
    data = (tmp_path / "a.npz").read_bytes()
    assert data.count(b"(2, 3), }   ") == 1
    (tmp_path / "a.npz").write_bytes(data.replace(b"(2, 3), }   ", b"(2000, 30)} "))
    with pytest.raises(InputError, match=r"is truncated|cannot read array"):
        weights_of(small, tmp_path)


def test_a_tampered_array_is_refused(small: dict[str, Any], tmp_path: Path) -> None:
    npz(tmp_path, w=np.full((2, 3), 0.25))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data.replace(np.float64(0.25).tobytes(), np.float64(0.5).tobytes(), 1))
    with pytest.raises(InputError, match="cannot read array 'w'"):  # the zip's own checksum
        weights_of(small, tmp_path)


def test_a_topology_of_a_file_is_whole_numbers(small: dict[str, Any], tmp_path: Path) -> None:
    npz(tmp_path, t=np.ones((2, 3)))
    small["connections"]["hy"]["topology"] = {"npz": "a.npz", "key": "t"}
    with pytest.raises(InputError, match=r"hy\.topology: is of dtype float64[\s\S]*save bool or integers"):
        resolve(spec_from_dict(small, tmp_path))
