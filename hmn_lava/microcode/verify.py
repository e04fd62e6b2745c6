"""The verifier: whether a program is well formed and inside the limits of a profile. All rules run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from hmn_lava.errors import Finding
from hmn_lava.microcode.ir import OPERATIONS, WORD, Program
from hmn_lava.microcode.ranges import WORD_RANGE

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
"""What a state, port, constant or register may be called."""


def verify(program: Program, limits: Mapping[str, int] | None = None) -> list[Finding]:
    """Findings about ``program``.

    Form, undefined reads, jumps, word widths and, with ``limits``, the sizes that a profile assumes.

    ``limits`` may hold ``word_bits``, ``message_bits``, ``instructions_per_program``, ``state_words_per_compartment``,
    ``inputs_per_compartment``, ``outputs_per_compartment``, ``constants_per_program`` and ``live_registers``. An empty
    list means that every executor can run the program.
    """
    findings: list[Finding] = []

    def report(rule: str, place: str, used: object, limit: object, remedy: str) -> None:
        findings.append(Finding(rule, f"{program.name}{place}", used, limit, "error", remedy))

    declared = program.readable + program.outputs
    for name, count in Counter(v.name for v in declared).items():
        if count > 1:
            report("name-once", f" {name}", count, 1, "Give each state, port and constant a name of its own.")
    for variable in declared:
        if not NAME.match(variable.name):
            report("name-form", f" {variable.name}", variable.name, "letters, digits, _", "Rename it.")
        if not (variable.low <= variable.high and variable.format.holds(variable.low, variable.high)):
            report(
                "declared-range",
                f" {variable.name}",
                (variable.low, variable.high),
                str(variable.format),
                "Declare bounds that the format holds.",
            )
        if variable.format.bits > WORD or not (WORD_RANGE[0] <= variable.low and variable.high <= WORD_RANGE[1]):
            report("word-width", f" {variable.name}", str(variable.format), f"{WORD} bits", "Use a narrower format.")

    readable = {v.name for v in program.readable}
    states = {v.name for v in program.states}
    outputs = {v.name for v in program.outputs}
    regions: list[int] = [len(program.instructions)]  # ends of the open skipped regions, innermost last
    visible: list[set[str]] = [set()]  # registers assigned in each open region
    assigned: set[str] = set()
    written: Counter[str] = Counter()
    for number, instruction in enumerate(program.instructions):
        place = f":{number}"
        while len(regions) > 1 and number >= regions[-1]:
            regions.pop()
            visible.pop()
        operation = OPERATIONS.get(instruction.op)
        if operation is None:
            report("operation", place, instruction.op, "the instruction set", f"Use one of {', '.join(OPERATIONS)}.")
            continue
        if len(instruction.operands) != operation.operands:
            report(
                "operands",
                place,
                len(instruction.operands),
                operation.operands,
                f"{instruction.op}: {operation.meaning}.",
            )
            continue
        for name in instruction.registers():
            if name not in readable and not any(name in scope for scope in visible):
                why = "assigned in a region that may be skipped" if name in assigned else "never assigned before"
                report(
                    "undefined-read",
                    f"{place} {name}",
                    why,
                    "a value on every path",
                    "Assign it first, outside a skipped region.",
                )
            if name in states and written[name]:
                report(
                    "read-after-store",
                    f"{place} {name}",
                    "read",
                    "before the store",
                    "Read the state first, or keep the register.",
                )
        if operation.assigns:
            target = instruction.target
            if target is None or not NAME.match(target):
                report("name-form", place, target, "letters, digits, _", "Give the result a register.")
            elif target in assigned or target in readable or target in outputs:
                report("assigned-once", f"{place} {target}", "assigned again", 1, "Use a new register.")
            else:
                visible[-1].add(target)
                assigned.add(target)
        elif instruction.target is not None:
            report("operands", place, instruction.target, "no target", f"{instruction.op} assigns nothing.")
        if operation.shift:
            shift = instruction.operands[-1]
            limit = 2 * WORD - 1 if operation.product else WORD - 1
            if not (isinstance(shift, int) and 0 <= shift <= limit):
                report("shift", place, shift, f"0..{limit}, an immediate", "Shift in two steps.")
        immediates = instruction.operands[:-1] if operation.shift else instruction.operands
        for operand in immediates:
            if isinstance(operand, int) and not WORD_RANGE[0] <= operand <= WORD_RANGE[1]:
                report("word-width", place, operand, f"{WORD} bits", "Use a smaller immediate.")
        if instruction.op in ("store", "emit"):
            known, name = (states if instruction.op == "store" else outputs), str(instruction.operands[0])
            written[name] += 1
            if name not in known:
                report(
                    "undeclared", f"{place} {name}", instruction.op, sorted(known), "Declare it, or correct the name."
                )
            elif written[name] > 1:
                report("written-once", f"{place} {name}", written[name], 1, "Select the value first, then write once.")
        if instruction.op == "skip":
            length = instruction.operands[1]
            if not isinstance(length, int) or length < 1 or number + 1 + length > regions[-1]:
                report(
                    "jump",
                    place,
                    length,
                    f"1..{regions[-1] - number - 1}",
                    "Jump forward, inside the program and the region around it.",
                )
            else:
                regions.append(number + 1 + length)
                visible.append(set())
    for name, count in Counter(observable.name for observable in program.observables).items():
        if count > 1:
            report("name-once", f" {name}", count, 1, "Give each observable a name of its own.")
    for observable in program.observables:
        if observable.register not in assigned | readable:
            report(
                "undefined-read", f" {observable.name}", observable.register, "a register", "Observe another register."
            )
    if limits is not None:
        findings += _limits(program, limits)
    return findings


def live_registers(program: Program) -> int:
    """How many registers are live at once, at most: what a register file must hold."""
    last: dict[str, int] = {}
    for number, instruction in enumerate(program.instructions):
        for name in instruction.registers():
            last[name] = number
    live: set[str] = set()
    most = 0
    for number, instruction in enumerate(program.instructions):
        live -= {name for name in live if last.get(name, -1) <= number}
        if instruction.target is not None and instruction.target in last:
            live.add(instruction.target)
        most = max(most, len(live))
    return most


def _limits(program: Program, limits: Mapping[str, int]) -> list[Finding]:
    messages = [v.format.bits for v in program.inputs + program.outputs]
    used = {
        "instructions_per_program": (len(program.instructions), "Switch a subsystem off, or split the program."),
        "state_words_per_compartment": (
            len(program.states),
            "Drop the slow trace, or lower the attention's dimensions.",
        ),
        "inputs_per_compartment": (len(program.inputs), "Lower the attention's dimensions, or use fewer modulators."),
        "outputs_per_compartment": (len(program.outputs), "Lower the attention's dimensions."),
        "constants_per_program": (len(program.constants), "Use fewer modulators or dimensions."),
        "live_registers": (live_registers(program), "Split the program."),
        "message_bits": (max(messages, default=0), "Use a narrower format for the message."),
    }
    found = [
        Finding(rule, program.name, value, limits[rule], "error", remedy)
        for rule, (value, remedy) in used.items()
        if rule in limits and value > limits[rule]
    ]
    if limits.get("word_bits", WORD) != WORD:
        found.append(
            Finding(
                "word_bits",
                program.name,
                WORD,
                limits["word_bits"],
                "error",
                "The microcode is defined for this width only.",
            )
        )
    return found
