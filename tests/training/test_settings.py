"""What settings are accepted, and how a wrong one is said; without PyTorch."""

import pytest

from hmn_lava.errors import InputError
from hmn_lava.training.choose import chosen_levels, chosen_settings, three_numbers
from hmn_lava.training.settings import MOST_LAYERS, LayerText, Settings, parse_layers, settings_of

NAN = float("nan")


def test_layers():
    assert parse_layers("12c5s2, 32c3,p2,128,7") == [
        LayerText("conv", 12, 5, 2),
        LayerText("conv", 32, 3, 1),
        LayerText("pool", 0, 2, 2),
        LayerText("dense", 128),
        LayerText("dense", 7),
    ]
    assert parse_layers("p2,10") == [LayerText("pool", 0, 2, 2), LayerText("dense", 10)]


def test_settings_survive_json():
    chosen = settings_of({"mechanisms": ["sbp", "stbp"], "fusion": [1, 0.5, 0], "layers": "8"})
    assert chosen.mechanisms == ("sbp", "stbp") and chosen.fusion == (1.0, 0.5, 0.0)
    assert settings_of(chosen.model_dump(mode="json")) == chosen
    assert Settings().name == "MPSL" and chosen.name == "sbp+stbp"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("layers", 5, "must be text"),
        ("layers", "", "is no layer"),
        ("layers", "12c", "'12c' is no layer"),
        ("layers", "8,,8", "is no layer"),
        ("layers", "-8", "is no layer"),
        ("layers", "c3", "is no layer"),
        ("layers", "9999999", "is no layer"),
        ("layers", "8c0", "has a 0"),
        ("layers", "0", "has a 0"),
        ("layers", "p2", "has no layer that learns"),
        ("layers", "8,p2", "'p2' follows a dense layer"),
        ("layers", "8,8c3", "'8c3' follows a dense layer"),
        ("layers", "1," * MOST_LAYERS + "1", f"has more than {MOST_LAYERS} layers"),
        ("steps", 0, "must be >= 1"),
        ("steps", 1025, "must be <= 1024"),
        ("steps", True, "must be a whole number"),
        ("threshold", 0.0, "must be > 0"),
        ("threshold", NAN, "must be finite"),
        ("decay", 1.5, "must be <= 1"),
        ("decay", -0.5, "must be >= 0"),
        ("window", "1", "must be a number"),
        ("mechanisms", [], "has too few items"),
        ("mechanisms", "stbp", "must be a list"),
        ("mechanisms", ["stbp", "stbp"], "names a mechanism twice"),
        ("fusion", "equal", "is neither learned nor three numbers"),
        ("fusion", [1.0, 2.0], "is neither learned nor three numbers"),
        ("fusion", [1.0, 2.0, NAN], "is neither learned nor three numbers"),
        ("guided", 1, "must be true or false"),
        ("reuse", "no", "must be true or false"),
        ("tau_w", 0, "must be > 0"),
        ("eta", None, "must be a number"),
        ("beta", 1e300, "is larger than"),
        ("epochs", 10**400, "must be <= "),
        ("batch", 2**40, "must be <= "),
        ("rate", 0, "must be > 0"),
        ("local_rate", -1e-3, "must be >= 0"),
        ("shift", 65, "must be <= 64"),
        ("shift", 1.5, "must be a whole number"),
        ("seed", -1, "must be >= 0"),
        ("momentum", 1, "unknown key"),
    ],
)
def test_wrong_settings(field, value, problem):
    with pytest.raises(InputError, match=problem) as caught:
        settings_of({field: value}, "here")
    assert caught.value.field == field and caught.value.remedy and "here" in str(caught.value)


def test_an_unknown_mechanism_is_named():
    with pytest.raises(InputError, match=r"mechanisms\.0: must be 'stbp', 'hebbian' or 'sbp'") as caught:
        settings_of({"mechanisms": ["stpb"]})
    assert "stbp" in caught.value.remedy


# ---- as the command line gives them


def test_what_is_not_said_is_the_data_sets_usual():
    assert chosen_settings("mnist") == Settings()
    assert chosen_settings("mnist", epochs=None, layers=None) == Settings()
    digits = chosen_settings("digits", epochs=3)
    assert digits.layers != Settings().layers and digits.epochs == 3


def test_a_folder_of_recordings_has_its_own_usual(tmp_path):
    (tmp_path / "Train").mkdir()
    assert chosen_settings(str(tmp_path)).steps > Settings().steps
    (tmp_path / "train-images-idx3-ubyte").touch()
    assert chosen_settings(str(tmp_path)) == Settings()


@pytest.mark.parametrize(
    ("options", "others", "expected"),
    [
        ({"mechanisms": "stbp, sbp"}, (), {"mechanisms": ("stbp", "sbp")}),
        ({"fusion": "equal"}, (), {"fusion": (1.0, 1.0, 1.0)}),
        ({"fusion": "1,0.5,-2"}, (), {"fusion": (1.0, 0.5, -2.0)}),
        ({"fusion": "learned"}, (), {"fusion": "learned"}),
        ({"guided": False}, (), {"guided": False}),
        ({"seed": 1}, ("seed=2",), {"seed": 2}),
        ({}, ("layers=128",), {"layers": "128"}),
        ({}, ("layers=4c3,8", "eta=1e-3", "reuse=false"), {"layers": "4c3,8", "eta": 1e-3, "reuse": False}),
        ({}, ("mechanisms=hebbian", "fusion=[1,2,3]"), {"mechanisms": ("hebbian",), "fusion": (1.0, 2.0, 3.0)}),
    ],
)
def test_choices(options, others, expected):
    found = chosen_settings("mnist", others, **options)
    assert found == Settings().model_copy(update=expected)


@pytest.mark.parametrize(
    ("options", "others", "field"),
    [
        ({}, ["eta"], "--set"),
        ({}, ["=1"], "--set"),
        ({}, ["momentum=1"], "--set"),
        ({}, ["model_fields=1"], "--set"),
        ({}, ["eta=fast"], "eta"),
        ({}, ["eta=" + "[" * 100_000], "eta"),
        ({}, ["steps=2.5"], "steps"),
        ({"fusion": "1,2"}, (), "--fusion"),
        ({"fusion": "1,2,inf"}, (), "--fusion"),
        ({"fusion": "1,2,1e10"}, (), "fusion"),
        ({"mechanisms": "stbp,stbp"}, (), "mechanisms"),
        ({"mechanisms": "stdp"}, (), "mechanisms.0"),
        ({"seed": -1}, (), "seed"),
    ],
)
def test_wrong_choices(options, others, field):
    with pytest.raises(InputError) as caught:
        chosen_settings("mnist", others, **options)
    assert caught.value.field == field and caught.value.remedy


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\udc80"])
def test_names_that_no_path_can_have(name):
    assert chosen_settings(name) == Settings()


def test_three_numbers():
    assert three_numbers("1, 0.5,-2", "--by-hand") == (1.0, 0.5, -2.0)
    for text in ("1,2", "1,2,3,4", "a,b,c", "", "1,2,nan"):
        with pytest.raises(InputError) as caught:
            three_numbers(text, "--by-hand")
        assert caught.value.field == "--by-hand" and caught.value.remedy


def test_levels():
    assert chosen_levels(None) is chosen_levels([]) is None
    assert chosen_levels(["crop=0.1,0.2", "gaussian=1", "crop=0.2,0.3"]) == {
        "crop": [0.1, 0.2, 0.3],
        "gaussian": [1.0],
    }
    for text in ("crop", "crop=", "blur=0.1", "crop=1.1", "crop=-0.1", "crop=nan", "crop=a", "=0.1"):
        with pytest.raises(InputError) as caught:
            chosen_levels([text])
        assert caught.value.field == "--level" and "crop=0.1,0.2" in caught.value.remedy
