"""An independent count: one compartment, one synapse, one message at a time, from network.py's semantics.

In plain Python. It shares nothing with ``hmn_lava.energy`` but the names of operations.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from hmn_lava.network import IntegerNetwork, Link
from hmn_lava.simulator.interface import check_inputs, quantise_inputs
from hmn_lava.simulator.interpreter import Interpreter, _spread

WORD = 24


def wrap(value: int) -> int:
    return (value + (1 << (WORD - 1))) % (1 << WORD) - (1 << (WORD - 1))


MEANS = {
    "mov": lambda a: a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "neg": lambda a: -a,
    "min": min,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "shl": lambda a, n: a << n,
    "shr": lambda a, n: a >> n,
    "mul": lambda a, b, n: (a * b) >> n,
    "lt": lambda a, b: int(a < b),
    "ge": lambda a, b: int(a >= b),
    "eq": lambda a, b: int(a == b),
    "sel": lambda c, a, b: a if c else b,
}


def run_program(program: Any, values: dict[str, int], index: int, time: int) -> tuple[int, dict[str, int]]:
    """Instructions executed by one compartment, and what it emits."""
    registers, sent = dict(values), dict.fromkeys((o.name for o in program.outputs), 0)
    counter = executed = 0

    def read(operand: Any) -> int:
        return operand if isinstance(operand, int) else registers[operand]

    while counter < len(program.instructions):
        i = program.instructions[counter]
        executed += 1
        counter += 1
        if i.op == "skip":
            counter += int(i.operands[1]) if read(i.operands[0]) != 0 else 0
        elif i.op == "emit":
            sent[i.operands[0]] = read(i.operands[1])
        elif i.op != "store":
            known = {"time": time, "index": index}
            value = known[i.op] if i.op in known else MEANS[i.op](*(read(operand) for operand in i.operands))
            registers[i.target] = wrap(value)
    return executed, sent


def count(network: IntegerNetwork, inputs: Any, steps: int, place: Any) -> Counter[tuple[str, str, str]]:
    """(part, operation, kind) -> count, over ``steps`` steps of the model."""
    arrays, steps = check_inputs(network, inputs, steps)
    driven = quantise_inputs(network, arrays, steps)
    session, found = Interpreter(network), Counter()
    log: dict[tuple[str, str], list[list[int]]] = {}  # every message: of each compartment, for synapses of each synapse
    spiked: dict[str, tuple[set[int], set[int]]] = {name: (set(), set()) for name in network.learning}
    cores = {group: place.core_of(group).tolist() for group in network.groups}
    for step in range(steps * network.frame):
        for name, values in driven.items():
            row = values[step // network.frame] if step % network.frame == 0 else np.zeros(values.shape[1], np.int64)
            session.buffers[name, "x"][step % session.depth] = row
            log.setdefault((name, "x"), []).append(row.tolist())
            found[name, "embedded_message", "input"] += sum(int(v != 0) for v in row)
        sent_now: dict[str, list[bool]] = {}
        for group in network.groups.values():
            ports = session._ports(group)
            constants = {n: _spread(c, group) for n, c in group.constants.items()}
            before = session.states[group.name]
            rows: dict[str, list[int]] = {o.name: [] for o in group.program.outputs}
            for e in range(group.size):
                values = {
                    n: int(np.broadcast_to(v, group.size)[e]) for n, v in {**ports, **constants, **before}.items()
                }
                executed, sent = run_program(group.program, values, e, step)
                found[group.name, "microcode_instruction", ""] += executed
                for name, value in sent.items():
                    rows[name].append(value)
            for name, values in rows.items():
                log.setdefault((group.name, name), []).append(values)
            sent_now[group.name] = [any(rows[n][e] for n in rows) for e in range(group.size)]
        for group in network.groups.values():
            for e in range(group.size):
                arrives = 0
                for link in network.links_to(group.name):
                    n = arriving(network, link, e, step, log)
                    arrives += n
                    if link.kind != "plastic":
                        found[group.name, "synaptic_operation", link.target[1]] += n
                active = "active" if arrives or sent_now[group.name][e] else "inactive"
                found[group.name, f"neuron_update_{active}", ""] += 1
        session.compute({})
        session.time += 1
        messages(network, step, log, cores, place, found)
        for synapses in network.learning.values():
            learn(network, synapses, step, log, spiked[synapses.name], found)
    return Counter({key: n for key, n in found.items() if n})


def at(log: Any, source: tuple[str, str], step: int, e: int) -> int:
    """1 where a message of compartment e was not zero at a step."""
    return int(step >= 0 and log[source][step][e] != 0)


def arriving(network: IntegerNetwork, link: Link, e: int, step: int, log: Any) -> int:
    """How many messages that are not zero a link brings to compartment e of its target in a step."""
    if link.kind == "plastic":
        synapses = network.learning[link.source[0]]
        t = synapses.topology
        return sum(
            at(log, axon.source, step - 1 - int(axon.delay[0]), int(t.col[k]))
            for axon in network.links_to(synapses.name)
            for k in range(int(t.starts[e]), int(t.starts[e + 1]))
        )

    def delay(k: int) -> int:
        return int(link.delay[k if link.delay.size > 1 else 0])

    if link.kind == "matrix":
        t = link.topology
        return sum(
            at(log, link.source, step - 1 - delay(k), int(t.col[k]))
            for k in range(int(t.starts[e]), int(t.starts[e + 1]))
        )
    if link.kind == "rows":
        t = network.groups[link.source[0]].topology
        return sum(at(log, link.source, step - 1 - delay(0), k) for k in range(int(t.starts[e]), int(t.starts[e + 1])))
    if link.kind == "total":
        width = len(log[link.source][0])
        return sum(at(log, link.source, step - 1 - delay(0), k) for k in range(width))
    t = network.groups[link.target[0]].topology
    sender = {"same": lambda: e, "all": lambda: 0, "pre": lambda: int(t.col[e]), "post": lambda: int(t.row[e])}
    return at(log, link.source, step - 1 - delay(e), sender[link.kind]())


def messages(network: IntegerNetwork, step: int, log: Any, cores: Any, place: Any, found: Any) -> None:
    """Deliveries of the messages that are sent in a step, once to each core, and their hops."""
    for source, sent in log.items():
        for e, value in enumerate(sent[step]):
            if value == 0:
                continue
            heard: set[int] = set()
            for link in network.links:
                if link.source == source and link.kind != "plastic":
                    heard |= listeners(network, link, e, cores)
            kind = source[1]
            found[source[0], "spike_within_tile", kind] += len(heard)
            if source[0] in network.inputs:
                continue
            for core in heard:
                hops = place.hops(np.array([cores[source[0]][e]]), np.array([core]))
                for name, n in zip(("east_west", "north_south", "between_chips"), hops, strict=True):
                    found[source[0], f"hop_{name}", kind] += int(n[0])


def listeners(network: IntegerNetwork, link: Link, e: int, cores: Any) -> set[int]:
    """The cores that hear compartment e of a link's source."""
    if link.target[0] in network.learning:
        synapses = network.learning[link.target[0]]
        t, where = synapses.topology, cores[synapses.neuron]
        return {where[int(t.row[k])] for k in range(t.size) if t.col[k] == e}
    where, t = cores[link.target[0]], network.groups[link.target[0]].topology
    if link.kind == "same":
        return {where[e]}
    if link.kind == "all":
        return set(where)
    if link.kind == "total":
        return {where[0]}
    if link.kind == "rows":
        return {where[int(network.groups[link.source[0]].topology.row[e])]}
    if link.kind == "matrix":
        return {where[int(link.topology.row[k])] for k in range(link.topology.size) if link.topology.col[k] == e}
    ends = t.col if link.kind == "pre" else t.row
    return {where[k] for k in range(t.size) if ends[k] == e}


def learn(network: IntegerNetwork, synapses: Any, step: int, log: Any, spiked: Any, found: Any) -> None:
    """What the engine does at the end of an epoch, synapse by synapse."""
    x, y = spiked
    t, rule = synapses.topology, synapses.rule
    for pre in range(t.n_pre):
        payload = 0
        for link in network.links_to(synapses.name):
            before = step - int(link.delay[0])
            if at(log, link.source, before, pre):
                payload += log[link.source][before][pre]
                found[synapses.name, "synaptic_operation", "x"] += int(np.count_nonzero(t.col == pre))
        if wrap(payload):
            x.add(pre)
    for post in range(t.n_post):
        if (synapses.neuron, "y0") in log and at(log, (synapses.neuron, "y0"), step, post):
            y.add(post)
    if (step + 1) % rule.t_epoch or t.size == 0:
        return
    epoch = (step + 1) // rule.t_epoch
    for k in range(t.size):
        for each in rule.rules:
            written = False
            for product in each:
                acts = {
                    "x0": int(t.col[k]) in x,
                    "y0": int(t.row[k]) in y,
                    "u": product.decimation is not None and epoch % 2 ** (product.decimation or 0) == 0,
                }[product.dependency]
                depends = product.dependency if product.decimation is None else f"u{product.decimation}"
                found[synapses.name, "learning_product", f"{each.target} {depends}"] += acts
                written |= acts
            found[synapses.name, "learning_write", each.target[1]] += written
    used = {f.variable for each in rule.rules for p in each for f in p.factors}
    for trace in ("x1", "x2", "y1", "y2", "y3"):
        moves = getattr(rule, f"{trace}_impulse") > 0 or (trace == "x1" and synapses.graded > 0)
        if trace in used and moves and not (trace[0] == "y" and rule.factors == 3):
            found[synapses.name, "learning_trace_update", trace] += t.n_pre if trace[0] == "x" else t.n_post
    x.clear()
    y.clear()
