"""The table of a function: addresses and sizes that it finds at run time, in the order in which it asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from hmn_lava.simulator.compiled.writer import Array, Value, Writer


@dataclass(frozen=True)
class Slot:
    """One entry: ``role`` and ``name`` say what; ``number`` counts those that share them."""

    role: str
    name: str = ""
    number: int = 0


class Table:
    """Hands out entries of the table of ``writer``'s function; ``slots`` says what they are."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.slots: list[Slot] = []

    def value(self, role: str, name: str = "", number: int = 0) -> Value:
        """An integer of 64 bits."""
        return self._writer.number(self._place(Slot(role, name, number)))

    def array(
        self, bits: int, role: str, name: str = "", number: int = 0, signed: bool = True, wide: int = 32
    ) -> Array:
        """An array of integers of ``bits`` bits."""
        return self._writer.array(self._place(Slot(role, name, number)), bits, signed, wide)

    def _place(self, slot: Slot) -> int:
        if slot not in self.slots:
            self.slots.append(slot)
        return self.slots.index(slot)
