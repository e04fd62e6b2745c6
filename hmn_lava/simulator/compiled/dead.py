"""What a step of a program does, and what of it may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hmn_lava.microcode.ir import Operand, Program


@dataclass(frozen=True)
class Effect:
    """A store, an emission or an observation of ``operand`` under ``name``.

    ``skips``: conditions that leave it out where they are not zero.
    """

    kind: Literal["store", "emit", "observe"]
    name: str
    operand: Operand
    skips: tuple[Operand, ...] = ()


def effects(program: Program, observed: tuple[str, ...]) -> list[Effect]:
    """All effects of a step, in order, with those observables that are kept."""
    found: list[Effect] = []
    skips: list[tuple[int, Operand]] = []
    where: dict[str, tuple[Operand, ...]] = {}
    for number, instruction in enumerate(program.instructions):
        skips = [skip for skip in skips if number < skip[0]]
        conditions = tuple(condition for _, condition in skips)
        if instruction.op == "skip":
            condition, length = instruction.operands
            skips.append((number + 1 + int(length), condition))
        elif instruction.op == "store":
            found.append(Effect("store", str(instruction.operands[0]), instruction.operands[1], conditions))
        elif instruction.op == "emit":
            found.append(Effect("emit", str(instruction.operands[0]), instruction.operands[1], conditions))
        else:
            where[str(instruction.target)] = conditions
    watched = {o.name: o.register for o in program.observables if o.name in observed}
    return found + [Effect("observe", name, of, where.get(of, ())) for name, of in watched.items()]


def reads(program: Program, effect: Effect) -> set[str]:
    """All names that an effect depends on."""
    definitions = {str(i.target): i for i in program.instructions if i.target is not None}
    found: set[str] = set()
    waiting: list[Operand] = [effect.operand, *effect.skips]
    while waiting:
        name = waiting.pop()
        if isinstance(name, int) or name in found:
            continue
        found.add(name)
        if name in definitions:
            waiting += definitions[name].registers()
    return found
