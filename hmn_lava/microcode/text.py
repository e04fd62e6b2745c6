"""The text form of a program (``*.ucode``): printed and parsed without loss.

::

    program readout.synapse
    ; a comment
    state w s24.22 -4194304..4194304
    input x u16.15 0..32768
    const rate s24.26 0..6000000
    output a s24.13 -8388608..8388607
    observe dw r7 s24.30
    code
      r0 = mul w x 24
      r1 = add! r0 3        ; the mark ! says that wrapping is meant
      emit a r0
"""

from __future__ import annotations

from hmn_lava.errors import InputError
from hmn_lava.fixed import Fixed
from hmn_lava.microcode.ir import Instruction, Observable, Operand, Program, Variable
from hmn_lava.microcode.verify import NAME

_SECTIONS = {"state": "states", "input": "inputs", "const": "constants", "output": "outputs"}
_LONGEST = 20_000  # lines; far above any limit of a profile, and a bundle is untrusted


def to_text(program: Program) -> str:
    """The text of ``program``; :func:`from_text` gives an equal program back."""
    lines = [f"program {program.name}"]
    lines += [f"; {line}".rstrip() for line in program.comment.splitlines()]
    for keyword, section in _SECTIONS.items():
        lines += [f"{keyword} {variable}" for variable in getattr(program, section)]
    lines += [f"observe {observable}" for observable in program.observables]
    lines.append("code")
    for instruction in program.instructions:
        target = "" if instruction.target is None else f"{instruction.target} = "
        op = f"{instruction.op}!" if instruction.wraps else instruction.op
        code = f"  {target}{op} {' '.join(map(str, instruction.operands))}".rstrip()
        lines.append(f"{code:<40}; {instruction.comment}" if instruction.comment else code)
    return "\n".join(lines) + "\n"


def from_text(text: str, where: str = "program") -> Program:
    """The program of a text form; raises InputError with the line that is wrong. It does not verify: see ``verify``."""
    name: str | None = None
    comments: list[str] = []
    sections: dict[str, list[Variable]] = {section: [] for section in _SECTIONS.values()}
    observables: list[Observable] = []
    instructions: list[Instruction] = []
    in_code = False
    lines = text.splitlines()
    if len(lines) > _LONGEST:
        raise InputError("the program is too long", where=where, value=len(lines), remedy=f"{_LONGEST} lines at most")
    for number, line in enumerate(lines, 1):
        code, mark, comment = line.partition(";")
        words = code.split()
        try:
            if not words:
                if mark and not in_code:
                    comments.append(comment.removeprefix(" "))
            elif in_code:
                instructions.append(_instruction(words, comment.strip()))
            elif words[0] == "program" and name is None and len(words) == 2:
                name = words[1]
            elif words[0] in _SECTIONS and len(words) == 4:
                sections[_SECTIONS[words[0]]].append(_variable(words[1:]))
            elif words[0] == "observe" and len(words) == 4:
                observables.append(Observable(_name(words[1]), _name(words[2]), Fixed.parse(words[3])))
            elif words == ["code"]:
                in_code = True
            else:
                raise ValueError("not a declaration")
        except ValueError as error:
            raise InputError(
                str(error),
                where=where,
                field=f"line {number}",
                value=line.strip(),
                remedy="see the text form in docs/microcode.md",
            ) from None
    if name is None or not in_code:
        raise InputError(
            "the program has no name or no code", where=where, remedy="begin with 'program NAME', then 'code'"
        )
    return Program(
        name,
        states=tuple(sections["states"]),
        inputs=tuple(sections["inputs"]),
        constants=tuple(sections["constants"]),
        outputs=tuple(sections["outputs"]),
        instructions=tuple(instructions),
        comment="\n".join(comments),
        observables=tuple(observables),
    )


def _name(word: str) -> str:
    if not NAME.match(word):
        raise ValueError("not a name")
    return word


def _variable(words: list[str]) -> Variable:
    low, _, high = words[2].partition("..")
    return Variable(_name(words[0]), Fixed.parse(words[1]), int(low), int(high))


def _instruction(words: list[str], comment: str) -> Instruction:
    target = None
    if len(words) > 2 and words[1] == "=":
        target, words = _name(words[0]), words[2:]
    op, wraps = words[0].removesuffix("!"), words[0].endswith("!")
    return Instruction(op, target, tuple(_operand(word) for word in words[1:]), wraps, comment)


def _operand(word: str) -> Operand:
    return int(word) if word.lstrip("-").isdecimal() else _name(word)
