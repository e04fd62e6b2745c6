"""Options of an import from lava-dl that are none, or contradict the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from net_file import CUBA, conv, dense, read_here, source, write_net

import hmn_lava as hl
from hmn_lava.errors import InputError
from hmn_lava.interchange import netx_file


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, which is faster."""
    monkeypatch.setattr(netx_file, "read_group", read_here)


SHAPES = [
    "3,3,3",
    "333",
    9,
    2.0,
    (2.0, 3, 3),
    (1, "3", 3),
    (1, -3, 3),
    (0, 3, 3),
    (),
    (1, 1, 3, 3),
    (1, True, 9),
    (1 << 20, 99, 9),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_given_shape_that_is_none(shape: Any, tmp_path: Path) -> None:
    file = write_net(tmp_path / "a.net", [conv([2, 2, 2], np.ones((2, 1, 2, 2)))])
    with pytest.raises(InputError, match="is no shape") as caught:
        hl.import_network(file, input_shape=shape)
    assert caught.value.field == "input_shape"
    assert hl.import_network(file, input_shape=np.array([1, 3, 3])).layers[0].shape == (2, 2, 2)


def test_options_that_are_none_or_contradict(tmp_path: Path) -> None:
    file = write_net(tmp_path / "a.net", [source([4], CUBA), dense(np.ones((3, 4)))])
    with pytest.raises(InputError, match="is not the given input_shape"):
        hl.import_network(file, input_shape=(5,))
    with pytest.raises(InputError, match="no meaning alone"):
        hl.import_network(file, reset_offset=3)
    with pytest.raises(InputError, match="neither true nor false"):
        hl.import_network(file, graded_input="no")
    for exponent in (6.0, "6", True, 8):
        with pytest.raises(InputError, match="no such exponent"):
            hl.import_network(file, spike_exp=exponent)
