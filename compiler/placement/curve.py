"""The order in which the cores of a system are filled: neighbours on a curve are neighbours on the mesh."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hmn_lava.fixed import Integers
from hmn_lava.placement import Mesh


def hilbert(width: int, height: int) -> list[tuple[int, int]]:
    """All cells (x, y) of a rectangle along a generalised Hilbert curve, from (0, 0).

    Each cell is next to the one before, or, where both sides cannot be halved evenly, diagonal to it. After J.
    Cerveny's construction of space-filling curves for rectangles of any size: the rectangle is split along its longer
    side if it is more than half as long again as the other, else into a first, a middle and a last part.
    """
    if width >= height:
        return list(_filled(0, 0, width, 0, 0, height))
    return list(_filled(0, 0, 0, height, width, 0))


def _filled(x: int, y: int, ax: int, ay: int, bx: int, by: int) -> Iterator[tuple[int, int]]:
    """The rectangle at (x, y) that the vectors a, the main direction, and b span."""
    width, height = abs(ax + ay), abs(bx + by)
    dax, day, dbx, dby = (int(np.sign(n)) for n in (ax, ay, bx, by))
    if height == 1:
        yield from ((x + n * dax, y + n * day) for n in range(width))
        return
    if width == 1:
        yield from ((x + n * dbx, y + n * dby) for n in range(height))
        return
    hax, hay, hbx, hby = (math.trunc(n / 2) for n in (ax, ay, bx, by))
    if 2 * width > 3 * height:
        if abs(hax + hay) % 2 and width > 2:
            hax, hay = hax + dax, hay + day
        yield from _filled(x, y, hax, hay, bx, by)
        yield from _filled(x + hax, y + hay, ax - hax, ay - hay, bx, by)
        return
    if abs(hbx + hby) % 2 and height > 2:
        hbx, hby = hbx + dbx, hby + dby
    yield from _filled(x, y, hbx, hby, hax, hay)
    yield from _filled(x + hbx, y + hby, ax, ay, bx - hbx, by - hby)
    yield from _filled(x + (ax - dax) + (hbx - dbx), y + (ay - day) + (hby - dby), -hbx, -hby, -(ax - hax), -(ay - hay))


def seats(mesh: Mesh, cores: int) -> Integers:
    """The numbers of the first cores: chip after chip in a compact block of chips, tile after tile on each."""
    chips = _chips(mesh, -(-max(1, cores) // mesh.cores_per_chip))
    tiles = np.array([y * mesh.tile_columns + x for x, y in hilbert(mesh.tile_columns, mesh.tile_rows)])
    on_chip = (tiles[:, None] * mesh.cores_per_tile + np.arange(mesh.cores_per_tile)).reshape(-1)
    on_chip = on_chip[on_chip < mesh.cores_per_chip]
    numbers: Integers = (chips[:, None] * mesh.cores_per_chip + on_chip).reshape(-1)
    return numbers[:cores]


def _chips(mesh: Mesh, count: int) -> Integers:
    """The numbers of ``count`` chips, in a block of the mesh that is about as wide as it is high."""
    rows = -(-mesh.chips // mesh.chip_columns)
    width = max(math.ceil(math.sqrt(count)), -(-count // rows))
    for columns in range(min(width, mesh.chip_columns), mesh.chip_columns + 1):
        cells = hilbert(columns, min(rows, -(-count // columns)))
        order = [y * mesh.chip_columns + x for x, y in cells if y * mesh.chip_columns + x < mesh.chips]
        if len(order) >= count:
            break  # else the last row of chips, which may be incomplete, is in the way
    return np.array(order[:count], np.int64)
