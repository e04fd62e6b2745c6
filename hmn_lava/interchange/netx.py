"""lava-dl's ``.net`` files as specs, in the integers that lava-dl's netx gives Lava's fixed-point models.

Real values of the spec are the file's integers in lava-dl's own unit, 2**-6, and every format is given in full, so that
each integer of the file is the integer of the chip: the weight w as w / 64 with the format s8.6, a threshold likewise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.interchange.imported import Imported
from hmn_lava.interchange.netx_file import LARGEST, read_layers
from hmn_lava.interchange.netx_layers import Layers
from hmn_lava.interchange.netx_parts import Reset

SPIKE_EXP = range(0, 8)


def import_netx(
    file: str | os.PathLike[str],
    *,
    layers: int | None = None,
    skip: int = 0,
    timing: Literal["lava", "aligned"] = "lava",
    spike_exp: int = 6,
    input_shape: Sequence[int] | None = None,
    graded_input: bool = False,
    reset_interval: int | None = None,
    reset_offset: int = 0,
    name: str | None = None,
) -> Imported:
    """Read a network that lava-dl exported; ``h5py`` reads it, lava-dl is not needed.

    ``layers``: how many of the file's layers, from the first. ``timing``: in ``lava``, as there, messages of each layer
    take a step, so that what leaves the last layer is as many steps behind as there are layers; in ``aligned``, all
    layers see the same step. ``spike_exp``: bits behind the binary point of sigma-delta messages. ``input_shape``:
    (channels, height, width) of what the first layer reads, and ``graded_input`` that it is no spikes, where the file
    does not say. ``skip``: layers that are left out at the beginning; ``x`` is then what the last of them sends.
    ``reset_interval``: spiking neurons begin anew every so many steps, those of the first layer at the steps t with
    t mod reset_interval = reset_offset, each further layer a step later where messages take one; as in netx, not
    sigma-delta neurons. ``name``: of the spec, else the file's.

    The spec's input ``x`` takes what netx is given: integers for the bias of a spiking input layer or for the values of
    a sigma-delta one, or spikes of 0 and 1. Raises InputError for a file that is broken, or holds what a spec cannot.
    """
    if timing not in ("lava", "aligned"):
        raise InputError("no such timing", field="timing", value=timing, remedy="use lava or aligned")
    if isinstance(spike_exp, bool) or not isinstance(spike_exp, int) or spike_exp not in SPIKE_EXP:
        raise InputError("is no such exponent", field="spike_exp", value=spike_exp, remedy="use 0 to 7")
    if not isinstance(graded_input, bool):
        raise InputError("is neither true nor false", field="graded_input", value=graded_input, remedy="use True")
    shape = None if input_shape is None else _shape(input_shape)
    if reset_interval is None and reset_offset != 0:
        raise InputError(
            "has no meaning alone", field="reset_offset", value=reset_offset, remedy="give reset_interval as well"
        )
    reader, found = read_layers(Path(file))
    if layers is not None:
        if isinstance(layers, bool) or not isinstance(layers, int) or layers < 1:
            raise InputError(
                "must be a whole number from 1", field="layers", value=layers, remedy="leave it out for all"
            )
        found = found[:layers]
    if isinstance(skip, bool) or not isinstance(skip, int) or not 0 <= skip < len(found):
        raise InputError(
            "is no number of layers to skip", field="skip", value=skip, remedy=f"use 0 to {len(found) - 1}"
        )
    reset = None if reset_interval is None else Reset(reset_interval, reset_offset)
    build = Layers(reader, 1 if timing == "lava" else 0, spike_exp, shape, graded_input, reset)
    for number, layer in enumerate(found):
        build.layer(number, layer)
        if number < skip:
            build.forget()
    return build.done(name or _name(Path(file)))


def _shape(given: Sequence[int]) -> tuple[int, ...]:
    sides = tuple(given) if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes) else ()
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n > 0 for n in sides)
    if not 1 <= len(sides) <= 3 or not whole or prod(map(int, sides)) > LARGEST:
        problem = f"is no shape of up to {LARGEST} whole numbers"
        raise InputError(problem, field="input_shape", value=given, remedy="give (channels, height, width) from 1")
    return tuple(map(int, sides))


def _name(file: Path) -> str:
    letters = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in file.stem)[:60]
    return letters if letters[:1].isalpha() else f"net_{letters}"
