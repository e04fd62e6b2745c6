"""What a sweep varies: how it is written, and which rows it makes."""

import math

import pytest

from hmn_lava.errors import InputError
from hmn_lava.sweeps.axes import MAX_ROWS, Grid, Random, expand


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1", (1,)),
        ("a.b=1,2.5,1e-3", (1, 2.5, 1e-3)),
        ("a.b=none, sample", ("none", "sample")),
        ("a.b=true,null,'1'", (True, None, "1")),
        ("a.b=[0, 1],[-1, 1]", ([0, 1], [-1, 1])),
        ("a.b=dense,{density: 0.5}", ("dense", {"density": 0.5})),
        ("a.b=1,1.0,true", (1, 1.0, True)),
    ],
)
def test_values_of_a_grid_are_yaml(text, values):
    grid = Grid.parse(text)
    assert grid.field == "a.b"
    assert grid.values == values
    assert [type(value) for value in grid.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b", "not FIELD=VALUES"),
        ("=1", "not FIELD=VALUES"),
        ("a.b=", "not FIELD=VALUES"),
        ("a.b=1], [2", "--grid a.b"),
        ("a.b=[1", "--grid a.b"),
        ("a.b=1,2,1", "twice"),
    ],
)
def test_what_is_no_grid(text, message):
    with pytest.raises(InputError, match=message) as caught:
        Grid.parse(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "random"),
    [
        ("a=0:1", Random("a", 0, 1)),
        ("a=-1e-3:2.5", Random("a", -1e-3, 2.5)),
        ("a=0.01:10:log", Random("a", 0.01, 10, log=True)),
        ("a=1:8:int", Random("a", 1, 8, whole=True)),
        ("a=1:8:log:int", Random("a", 1, 8, log=True, whole=True)),
    ],
)
def test_range(text, random):
    assert Random.parse(text) == random


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1", "not a range"),
        ("a=1:2:3", "not a range"),
        ("a=1:2:log:log", "not a range"),
        ("a=x:2", "LOW is not a number"),
        ("a=1:.inf", "HIGH is not a number"),
        ("a=2:1", "LOW is not below HIGH"),
        ("a=0:1:log", "LOW > 0"),
        ("a=0.5:2:int", "LOW is not whole"),
    ],
)
def test_what_is_no_range(text, message):
    with pytest.raises(InputError, match=message) as caught:
        Random.parse(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("random", "middle"),
    [
        (Random("a", 2, 4), 3.0),
        (Random("a", 0.01, 100, log=True), 1.0),
        (Random("a", 0, 10, whole=True), 5.0),
        (Random("a", 1, 255, log=True, whole=True), 15.5),
    ],
)
def test_draws_fill_their_range(random, middle):
    draws = random.draw(4000)
    assert min(draws) >= random.low
    assert max(draws) <= random.high
    below = sum(value < middle for value in draws) / len(draws)
    assert abs(below - 0.5) < 5 * 0.5 / math.sqrt(4000) + (1 / 22 if random == Random("a", 0, 10, whole=True) else 0)
    if random.whole:
        assert {type(value) for value in draws} == {int}
        assert {random.low, random.high} <= set(draws)


def test_more_draws_begin_with_those_of_fewer_and_each_field_has_its_own():
    few, many = Random("a", 0, 1).draw(5), Random("a", 0, 1).draw(50)
    assert many[:5] == few
    assert Random("b", 0, 1).draw(5) != few


def test_rows_are_every_combination_seeds_fastest():
    draw = Random("c", 0, 1).draw(2)
    rows = expand([Grid("a", (1, 2)), Grid("b", ("x", "y"))], [Random("c", 0, 1)], 2, 3)
    expected = [({"a": a, "b": b, "c": c}, s) for a in (1, 2) for b in "xy" for c in draw for s in range(3)]
    assert [(row.values, row.seed) for row in rows] == expected


def test_seeds_alone_are_a_sweep():
    assert [(row.values, row.seed) for row in expand([], [], None, 3)] == [({}, 0), ({}, 1), ({}, 2)]


@pytest.mark.parametrize(
    ("grid", "random", "samples", "seeds", "field"),
    [
        ([Grid("a", (1,)), Grid("a", (2,))], [], None, 1, "a"),
        ([Grid("a", (1,))], [Random("a", 0, 1)], 2, 1, "a"),
        ([Grid("a.b", (1,)), Grid("a", (2,))], [], None, 1, "a"),
        ([], [Random("a", 0, 1)], None, 1, "samples"),
        ([Grid("a", (1,))], [], 3, 1, "samples"),
        ([], [Random("a", 0, 1)], 0, 1, "samples"),
        ([], [], None, 0, "seeds"),
        ([], [], None, True, "seeds"),
        ([Grid("a", (1, 2))], [], None, MAX_ROWS // 2 + 1, "rows"),
    ],
)
def test_what_cannot_be_expanded(grid, random, samples, seeds, field):
    with pytest.raises(InputError) as caught:
        expand(grid, random, samples, seeds)
    assert caught.value.field == field
    assert caught.value.remedy
