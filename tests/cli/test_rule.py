"""`hmn-lava rule`: what it says of published rules, and one clear error for each malformed or impossible one."""

from __future__ import annotations

import importlib.util

import pytest

from hmn_lava.cli import main

X1 = ("--x1", "1,20")
XY = (*X1, "--y1", "1,25")
LONG = "x0" + "*x1" * 2000

# (rule and options, exit code, words of the message)
WRONG = [
    # the text as a whole
    ([""], 2, ["the learning rule is empty", "dw = "]),
    (["   "], 2, ["the learning rule is empty"]),
    (["dw"], 2, ["assigns nothing", "'dw'"]),
    (["dw="], 2, ["dw", "the rule is empty", "at least one product"]),
    (["dw=,dt="], 2, ["2 problems", "dw", "dt"]),
    (["x0*y1"], 2, ["assigns nothing"]),
    (["dx=x0"], 2, ["dw, dd or dt", "'dx'"]),
    (["DW=x0"], 2, ["dw, dd or dt", "'DW'"]),
    (["dw=x0, dw=y0"], 2, ["given twice", "a sum of all its products"]),
    (["dw==x0"], 2, ["a rule has one =", "commas"]),
    (["dw=x0;dt=y0"], 2, ["a rule has one =", "commas"]),
    (["dw=x0,"], 2, ["assigns nothing"]),
    (["dw=" + LONG], 2, ["too long", "4096 characters"]),
    # syntax
    (["dw=(x0"], 2, ["bracket", "character"]),
    (["dw=x0)"], 2, ["closes", "')'"]),
    (["dw=((w+2))*x0"], 2, ["a bracket holds one variable"]),
    (["dw=x0·x1"], 2, ["no meaning in a rule", "character 3"]),
    (["dw=x0*x\u0661"], 2, ["character"]),
    (["dw=x0*\x1b[31m"], 2, ["no meaning in a rule"]),
    (["dw=x0 y0"], 2, ["an operator is missing", "'y0'"]),
    (["dw=x0**y0"], 2, ["two operators meet"]),
    (["dw=x0*-2*y0"], 2, ["two operators meet", "in front of the product"]),
    (["dw=--x0"], 2, ["two operators meet"]),
    (["dw=x0+"], 2, ["the rule ends"]),
    (["dw=x0*"], 2, ["the rule ends"]),
    (["dw=x0*3^2"], 2, ["only 2 is raised"]),
    (["dw=x0*2^x1"], 2, ["exponent"]),
    (["dw=x0*2^0.5", "--float", *X1], 2, ["exponent is not a whole number"]),
    (["dw=0.5*x0*x1^2", *X1], 2, ["powers are of 2"]),
    (["dw=1.5.2*x0"], 2, ["an operator is missing"]),
    (["dw=nan*x0"], 2, ["'nan'", "the names are"]),
    (["dw=inf*x0"], 2, ["'inf'", "the names are"]),
    (["dw=q1*x0"], 2, ["'q1'", "the names are"]),
    (["dw=x3*x0"], 2, ["'x3'"]),
    (["dw=x0*import"], 2, ["'import'"]),
    (["dw=x1*y1"], 2, ["no dependency", "x0, y0 or u0..u9"]),
    (["dw=3"], 2, ["no dependency"]),
    (["dw=sgn(x1)*x0"], 2, ["sgn", "w, d, t"]),
    (["dw=sgn*x0"], 2, ["sgn needs a bracket"]),
    (["dw=(-w)*x0"], 2, ["loses this sign"]),
    (["dw=(w*2)*x0"], 2, ["bracket"]),
    (["dw=(t+d)*x0"], 2, ["one variable"]),
    (["dw=u0*u0*x1"], 2, ["u is a dependency"]),
    (["dw=u10*x1"], 2, ["0 to 9", "u9"]),
    (["dw=u1*x1, dt=u2*t"], 2, ["one decimation", "same u_k"]),
    (["dw=u1*x1 + u2*x2"], 2, ["one decimation"]),
    # numbers in the text
    (["dw=2^99*x0"], 2, ["-7 to 8", "99"]),
    (["dw=2^-8*x0"], 2, ["-7 to 8"]),
    (["dw=9*x0"], 2, ["mantissa", "-8 to 7"]),
    (["dw=99999999999999999999*x0"], 2, ["mantissa"]),
    (["dw=1e400*x0"], 2, ["not finite"]),
    (["dw=1e300*x0"], 2, ["1e-30 to 1e+30"]),
    (["dw=x0*x1/0", *X1], 2, ["division by zero"]),
    (["dw=x0*(w+1000)"], 2, ["-511 to 511"]),
    (["dw=x0*(w+2^-1)"], 2, ["whole number"]),
    # options
    (["dw=x0*y1", "--y1", "5,-3"], 2, ["y1_tau", "not negative", "-3"]),
    (["dw=x0*y1", "--y1", "5,nan"], 2, ["y1", "finite"]),
    (["dw=x0*y1", "--y1", "inf,3"], 2, ["y1", "finite"]),
    (["dw=x0*y1", "--y1", "128,20"], 2, ["y1_impulse", "0 to 127", "128"]),
    (["dw=x0*y1", "--y1", "-1,20"], 2, ["y1_impulse", "-1"]),
    (["dw=x0*y1", "--y1", "1"], 2, ["--y1", "two numbers"]),
    (["dw=x0*y1", "--y1", "a,b"], 2, ["--y1", "a number is expected"]),
    (["dw=x0*y1", "--y1", ""], 2, ["--y1", "two numbers"]),
    (["dw=0.1*x0*y1", "--y1", "0,20"], 2, ["y1", "an impulse is positive"]),
    (["dw=0.1*x0*y1"], 2, ["y1", "not given", "--y1 1.0,20"]),
    (["dw=x0", "--t-epoch", "0"], 2, ["t_epoch", "1 to 63", "shorter epoch"]),
    (["dw=x0", "--t-epoch", "64"], 2, ["t_epoch", "1 to 63", "64"]),
    (["dw=x0", "--t-epoch", "2.5"], 2, ["t_epoch", "2.5"]),
    (["dw=x0", "--t-epoch", "nan"], 2, ["t_epoch"]),
    (["dw=x0", "--t-epoch", "x"], 2, ["--t-epoch", "a number is expected"]),
    (["dw=0.5*x0", "--t-epoch", "64"], 2, ["t_epoch", "1 to 63"]),
    (["dw=x0", "--factors", "4"], 2, ["factors", "2 or 3"]),
    (["dw=0.5*x0", "--factors", "4"], 2, ["factors", "2 or 3"]),
    (["dw=x0", "--factors", "two"], 2, ["--factors"]),
    (["dw=x0", "--profile", "loihi9"], 2, ["unknown hardware profile", "loihi1, loihi2"]),
    (["dw=x0", "--profile", "nothing.yaml"], 2, ["nothing.yaml"]),
    (["dw=x0", "--weights", "1,-1"], 2, ["weights", "below"]),
    (["dw=x0", "--weights", "nan,1"], 2, ["weights", "finite"]),
    (["dw=x0", "--weights", "1"], 2, ["--weights", "two numbers"]),
    (["dw=x0", "--tag-1", "-1,1"], 2, ["tag_1", "only the float form", "--float"]),
    (["dw=x0", "--leak", "t=5"], 2, ["leaks", "--float"]),
    (["dw=0.1*x0", "--leak", "t"], 2, ["--leak", "t=50"]),
    (["dw=0.1*x0", "--leak", "q=5"], 2, ["leak", "'q'"]),
    (["dw=0.1*x0", "--leak", "t=-5"], 2, ["leaks.t", "positive"]),
    (["dw=x0", "out.py"], 2, ["--lava", "out.py"]),
    (["dw=x0*x1, dt=y0**x1, dd=u12*d", "--x1", "300,-2", "--t-epoch", "0"], 2, ["5 problems", "dt:", "dd:", "x1_tau"]),
    (["dw=x0*y1", *X1, "--y1", "30,20", "--window", "out.xyz"], 2, ["--window", ".png"]),
    (
        ["dw=2^-3*u9*x1*y1", "--x1", "60,1000", "--y1", "60,1000", "--t-epoch", "63", "--window", "w.png"],
        2,
        ["too long"],
    ),
    # what no chip can do
    (["dw=x0*(w+3)"], 3, ["odd-constant", "use 2 or 4"]),
    (["dw=x0*(t-5)*y1"], 3, ["odd-constant"]),
    (["dw=x0*(w+400)"], 3, ["constant-range", "-256 to 254"]),
    (["dw=x0*(x1-200)"], 3, ["constant-range", "-128 to 127"]),
    (["dw=" + "+".join(["x0"] * 9)], 3, ["products-per-rule", "9", "8"]),
    (["dw=x0" + "*w" * 8], 3, ["factors-per-product", "8", "7"]),
    (["dw=0*x0"], 3, ["weight-constant", "no weight can ever change"]),
    (["dw=x0*x1*y1", *X1, "--profile", "loihi1", "--factors", "3"], 3, ["third-factor", "two factors"]),
    (["dw=x0*y1", "--factors", "3", "--y1", "-64,64"], 3, ["supplied-range", "(y1-64)"]),
    (["dw=x0*y1", "--factors", "3", "--y1", "0,500"], 3, ["supplied-range", "0 to 127"]),
    (["dw=1e-9*x1*y0", *X1], 3, ["coefficient-lost", "larger"]),
    (["dw=1e9*x1*y0", *X1], 3, ["coefficient-lost", "times smaller"]),
    (["dw=0.0*x1*y0", *X1], 3, ["zero-coefficient"]),
    (["dw=0.1*x0*(w-2)", *X1], 3, ["constant-range", "-1.008 to 1"]),
    (["dt=1.0*x1*y0", *X1, "--leak", "t=1e15"], 3, ["decay-lost", "shorter time constant"]),
    (["dw=0.01*x1*y0*w*w*w*w*w*w*w", *X1], 3, ["factors-per-product"]),
]


@pytest.mark.parametrize(
    ("arguments", "code", "words"), WRONG, ids=[" ".join(case[0])[:60] or "empty" for case in WRONG]
)
def test_wrong_rules_are_one_clear_error(hmn_lava, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    told = hmn_lava("rule", *arguments)
    assert told.code == code, told.err
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert len(told.err.splitlines()) <= 30
    assert max(map(len, told.err.splitlines())) <= 510
    assert told.err.replace("\n", "").isprintable()
    assert "Traceback" not in told.err and "internal error" not in told.err
    for word in words:
        assert word in told.err, told.err
    assert "remedy: " in told.err or code == 3 or "yaml" in told.err
    as_json = hmn_lava("rule", *arguments, "--json")
    assert as_json.code == code
    assert as_json.json["error"]["exit_code"] == code
    if code == 3:
        assert all(finding["remedy"] for finding in as_json.json["error"]["findings"])
        assert as_json.json["error"]["findings"][0]["severity"] == "error"
    assert list(tmp_path.iterdir()) == []


PUBLISHED = [
    ("dw=2^-2*x1*y0 - 2^-2*y1*x0", "--x1", "16,10", "--y1", "16,10", "--t-epoch", "4"),
    ("dw=2^-7*u7*y1*x1-2^-7*u7*y0*x1", "--x1", "1,240", "--y1", "1,240"),
    ("dw=u1*x1*y1*2^-7", "--profile", "loihi1"),
    ("dw=-u1*x1*y1*2^-7", "--profile", "loihi1"),
    ("dw=2^-3*y1*x1*y0", "--factors", "3", "--x1", "127,65535"),
    ("dt=x1*y0-2^-1*u0", "--x1", "30,5"),
    ("dw=2^-2*x1*y0-2^-2*y1*x0+2^-4*x1*y1*y0-2^-3*y0*w*w",),
    ("dt=-2^-2*x0*y1+2^-2*y0*x1-2^-3*u0*t, dw=u0*t*y2", "--factors", "3", "--x1", "16,10"),
    ("dw=0.01*x1*y0 - 0.012*x0*y1", *XY),
    ("dw=x1*y0/100", *X1),
    ("dw=x1*y0", "--float", *X1, "--weights", "0,100"),
    ("dt=1.0*x1*y0 - x0*y1, dw=0.02*u0*t*y2", *X1, "--factors", "3", "--y1", "0,1", "--y2", "-1,1", "--leak", "t=100"),
]


@pytest.mark.parametrize("arguments", PUBLISHED, ids=lambda arguments: arguments[0])
def test_published_rules_fit(hmn_lava, arguments):
    shown = hmn_lava("rule", *arguments)
    assert shown.code == 0, shown.err
    assert "Products, in levels" in shown.out and "the rule fits" in shown.err
    document = hmn_lava("rule", *arguments, "--json").json
    assert (document["json_version"], document["command"], document["backend"]) == (1, "rule", None)
    assert {"form", "rules", "keywords", "products", "variables", "scales", "report", "findings", "lava"} <= set(
        document
    )
    assert document["form"] == ("float" if document["report"] else "chip")
    assert all(finding["severity"] != "error" for finding in document["findings"])
    assert document["window"] is None
    for product in document["products"]:
        assert product["effective"] == product["mantissa"] * 2.0 ** (product["exponent"] - product["down_scaling"])
        assert product["width"] == sum(bits for _, bits in product["widths"])


def test_the_explanation_by_hand(hmn_lava):
    """u0*y2*t: 7 + 9 bits, 4 for the mantissa: 5 over 15; 127*255/32 levels at most."""
    document = hmn_lava("rule", "dw=3*2^-2*u0*y2*t", "--y2", "64,3", "--json").json
    (product,) = document["products"]
    assert (product["mantissa"], product["exponent"], product["down_scaling"]) == (3, -2, 5)
    assert product["widths"] == [["y2", 7], ["t", 9]] and product["acts"] == "every step"
    assert product["high"] == (3 * 127 * 255 >> 5) / 4 and product["low"] == (3 * 127 * -256 >> 5) / 4
    assert product["cut"] == 0.25
    (variable,) = document["variables"]
    assert (variable["low"], variable["high"], variable["step"], variable["noise"]) == (-256, 254, 2, 1)
    assert document["algebra"] == ["w <- w + [u0] 3*2^-7 * y2 * t"]


def test_a_window_has_its_picture_and_its_numbers(hmn_lava, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "window.png"
    shown = hmn_lava("rule", "dw=0.01*x1*y0 - 0.012*x0*y1", "--x1", "1,5", "--y1", "1,5", "--window", picture)
    assert shown.code == 0 and "post - pre" in shown.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    window = hmn_lava(
        "rule", "dw=0.01*x1*y0 - 0.012*x0*y1", "--x1", "1,5", "--y1", "1,5", "--window", picture, "--json"
    ).json["window"]
    assert window["variable"] == "w" and window["unit"] == "real" and window["lags"][0] == -window["lags"][-1]
    lengths = {len(window[name]) for name in ("lags", "requested", "expected", "mean", "std", "sem", "bias", "error")}
    assert lengths == {len(window["lags"])}
    at = dict(zip(window["lags"], window["requested"], strict=True))
    assert at[5] == pytest.approx(0.01 * 2.718281828**-1)
    assert at[-5] == pytest.approx(-0.012 * 2.718281828**-1)


def test_without_matplotlib_a_window_is_refused(hmn_lava, monkeypatch, tmp_path):
    monkeypatch.setattr("hmn_lava.pictures.find_spec", lambda name: None)
    told = hmn_lava("rule", "dw=x0", "--window", tmp_path / "w.png")
    assert told.code == 4 and "hmn-lava[report]" in told.err
    assert list(tmp_path.iterdir()) == []


def test_lava_code_is_printed_or_written(hmn_lava, tmp_path):
    shown = hmn_lava("rule", "dw = 2^-2 * x1*y0", "--x1", "16,10", "--lava")
    assert shown.code == 0
    assert shown.out == (
        "from lava.magma.core.learning.learning_rule import Loihi2FLearningRule\n\n"
        "learning_rule = Loihi2FLearningRule(\n"
        "    dw='2^-2*y0*x1',\n    x1_impulse=16,\n    x1_tau=10,\n    t_epoch=1,\n    rng_seed=0,\n)\n"
    )
    file = tmp_path / "rule.py"
    written = hmn_lava("rule", "dw = 2^-2 * x1*y0", "--x1", "16,10", "--lava", file)
    assert written.code == 0 and file.read_text() == shown.out and f"wrote {file}" in written.err
    assert hmn_lava("rule", "dw=x0", "--lava", tmp_path / "nowhere" / "rule.py").code == 2


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")
def test_a_picture_that_cannot_be_written_is_an_error(hmn_lava, tmp_path):
    told = hmn_lava("rule", "dw=x0*y1", "--y1", "1,2", "--window", tmp_path / "nowhere" / "w.png")
    assert told.code == 2 and "nowhere" in told.err


def test_the_command_is_listed():
    assert "rule" in main.COMMANDS
