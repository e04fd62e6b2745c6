"""What the fast executor leaves out would have changed nothing: clauses, against the golden interpreter's registers."""

import random
from dataclasses import replace

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.microcode.interpreter import execute
from hmn_lava.microcode.ir import Observable
from hmn_lava.microcode.ranges import analyse
from hmn_lava.simulator.compiled.dead import effects, loaded_clauses, scalar_clauses, vector_clauses

MANY = 400


def clauses(program):
    """All clauses of all effects, found with every port taken as a scalar and as loaded."""
    ranges = analyse(program)
    ports = [v.name for v in program.inputs]
    registers = [str(i.target) for i in program.instructions if i.target is not None]
    for effect in effects(program, ()):
        found = scalar_clauses(program, ranges, effect, ports)
        found += vector_clauses(program, ranges, effect, registers)
        found += loaded_clauses(program, ranges, effect, ports)
        yield effect, list(dict.fromkeys(found))


def check(program, words, rng):
    """Run the program on random values, often zero; where all names of a clause are zero, its effect changes nothing.

    Returns how many pairs of a clause and a compartment were zero.
    """
    names = [str(i.target) for i in program.instructions if i.target is not None]
    watched = replace(program, observables=tuple(Observable(n, n, program.inputs[0].format) for n in names))

    def drawn(v):
        # Zero where that is in bounds, half of the time.
        return [0 if v.low <= 0 <= v.high and rng.random() < 0.5 else words(rng, v.low, v.high) for _ in range(MANY)]

    values = {v.name: np.array(drawn(v), np.int64) for v in program.readable}
    given = [{v.name: values[v.name] for v in kind} for kind in (program.states, program.inputs, program.constants)]
    done = execute(
        watched,
        states=given[0],
        inputs=given[1],
        constants=given[2],
        index=np.arange(MANY),
        time=rng.randrange(1 << 20),
    )
    known, met = values | done.observed, 0
    for effect, found in clauses(program):
        active = np.ones(MANY, bool)
        for skip in effect.skips:
            active &= (np.full(MANY, skip) if isinstance(skip, int) else known[skip]) == 0
        for clause in found:
            zero = np.all([known[name] == 0 for name in clause], axis=0) & active
            if effect.kind == "store":
                assert np.array_equal(done.states[effect.name][zero], values[effect.name][zero]), (effect, clause)
            else:
                assert not done.outputs[effect.name][zero].any(), (effect, clause)
            met += int(zero.sum())
    return met


@pytest.mark.parametrize("part", range(4))
def test_random_programs(programs, words, part):
    met = 0
    for seed in range(60 * part, 60 * part + 60):
        rng = random.Random(seed)
        program = programs(rng, 30, whole_words=bool(rng.randrange(2)))
        if program.inputs:
            met += check(program, words, rng)
    assert met > 1000


@pytest.fixture(scope="module")
def synapse():
    net = hl.Network("net")
    x, out = net.input("x", 4, range=(0, 1)), net.hmn("out", 3, activation="sigmoid")
    teach = net.input("teach", 1, range=(-1, 1))
    net.oscillator("theta", period=16.0)
    net.connect(
        x,
        out,
        name="c",
        weights=0.1,
        rates={"local": 0.0, "global": 0.5},
        traces={"tau_fast": 5.0, "tau_slow": 20.0},
        modulators=[net.modulator("teacher", type="input", source=teach)],
        attention={"beta": 1.0, "dimensions": 1, "embedding": 1.0, "key": 1.0, "context_rate": 0.1},
        phase_gate={"oscillator": "theta", "phase": 0.0},
        probabilistic_gate={"beta": 50.0, "threshold": 0.01},
    )
    return hl.compile(net.spec(), seed=0).network.groups["c.synapse"].program


def test_a_synapse_of_the_hmn_rule(synapse, words):
    """The weight stays where third factor, gate, eligibility or update is zero; a trace where it and x or z are."""
    found = {effect.name: names for effect, names in clauses(synapse)}
    assert {frozenset(["third"]), frozenset(["gate"]), frozenset(["reciprocal"])} <= set(found["w"])
    assert len([names for names in found["w"] if not names & {v.name for v in synapse.inputs}]) == 2, "two registers"
    for trace in ("psi_fast", "psi_slow"):
        assert {frozenset([trace, "x_learn"]), frozenset([trace, "z"])} <= set(found[trace])
    assert found["a"] == [frozenset(["x"])] or frozenset(["x"]) in found["a"]
    assert check(synapse, words, random.Random(0)) > 100
