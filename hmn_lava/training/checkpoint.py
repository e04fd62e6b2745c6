"""A training run in a folder: ``network.safetensors`` with all tensors, and ``run.json`` with settings and history.

Both are written whole, the tensors first, under a name that the JSON has with their hash: a run that is killed in
between goes on from the epoch before. Nothing in them is code: a folder from others can be read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from hmn_lava.errors import InputError
from hmn_lava.files import write_output
from hmn_lava.training.network import Mpsl
from hmn_lava.training.settings import Settings, parse_layers, settings_of

FORMAT = 1
RUN = "run.json"
LARGEST = 2**31
"""Bytes of a file of tensors."""
SMALL = 2**26
"""Bytes of the JSON."""
_ADAM = {"step", "exp_avg", "exp_avg_sq"}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a run is after some epochs."""

    settings: Settings
    data: str
    sample: tuple[int, int, int]
    classes: int
    tensors: Mapping[str, Tensor]
    history: list[dict[str, Any]]

    @classmethod
    def of(
        cls,
        network: Mpsl,
        optimizer: torch.optim.Optimizer | None,
        draws: torch.Generator,
        history: list[dict[str, Any]],
        data: str,
    ) -> Checkpoint:
        tensors = {f"network.{name}": value.contiguous() for name, value in network.state_dict().items()}
        for number, state in ({} if optimizer is None else optimizer.state_dict()["state"]).items():
            tensors |= {f"optimizer.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        tensors["draws"] = draws.get_state()
        return cls(network.settings, data, network.sample, network.classes, tensors, history)

    def network(self, where: str = "") -> Mpsl:
        """The network as it was kept. Raises InputError where the tensors are not those of its settings."""
        with torch.device("meta"):  # shapes alone: nothing is made before the tensors are known to be there
            expected = Mpsl(self.settings, self.sample, self.classes).state_dict()
        own = {name.removeprefix("network."): v for name, v in self.tensors.items() if name.startswith("network.")}
        for name, value in expected.items():
            found = own.get(name)
            if found is None or found.shape != value.shape or found.dtype != value.dtype:
                raise _broken(where, f"has no tensor {name} of the shape {tuple(value.shape)}")
            if not torch.isfinite(found).all():
                raise _broken(where, f"tensor {name} has values that are not finite")
        if extra := own.keys() - expected.keys():
            raise _broken(where, f"has a tensor {min(extra)[:60]!r} that is not of its settings")
        network = Mpsl(self.settings, self.sample, self.classes)
        network.load_state_dict(own)
        return network

    def restore(
        self, network: Mpsl, optimizer: torch.optim.Optimizer | None, draws: torch.Generator, where: str = ""
    ) -> None:
        """Put a run back to where it was."""
        network.load_state_dict(self.network(where).state_dict())
        unfit = _broken(where, "has a state of training that does not fit its network")
        groups = [] if optimizer is None else optimizer.param_groups
        parameters = [each for group in groups for each in group["params"]]
        names = {f"optimizer.{n}.{key}": (n, key) for n in range(len(parameters)) for key in _ADAM}
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in self.tensors.items():
            if name.startswith("network.") or name == "draws":
                continue
            number, key = names.get(name, (-1, ""))
            shape = () if key == "step" else parameters[number].shape
            if not key or value.shape != shape or value.dtype != torch.float32 or not torch.isfinite(value).all():
                raise unfit
            state.setdefault(number, {})[key] = value
        if any(each.keys() != _ADAM for each in state.values()):
            raise unfit
        try:
            if optimizer is not None:
                optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            draws.set_state(self.tensors["draws"])
        except (KeyError, ValueError, RuntimeError, TypeError):
            raise unfit from None


def write_checkpoint(folder: Path, kept: Checkpoint) -> None:
    """Keep a run. Raises InputError where the folder cannot be written."""
    content = save(dict(kept.tensors))
    digest = hashlib.sha256(content).hexdigest()
    name = f"network-{digest[:16]}.safetensors"
    _make(folder)
    before = {file.name for file in folder.glob("network-*.safetensors")} - {name}
    write_output(folder / name, lambda stream: stream.write(content))
    record = {
        "format": FORMAT,
        "settings": kept.settings.model_dump(mode="json"),
        "data": kept.data,
        "sample": list(kept.sample),
        "classes": kept.classes,
        "tensors": name,
        "sha256": digest,
        "history": kept.history,
    }
    text = json.dumps(record, indent=1)
    write_output(folder / RUN, lambda stream: stream.write(text.encode()))
    for old in before:
        (folder / old).unlink(missing_ok=True)


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The run that a folder holds; None if it holds none. Raises InputError for one that is damaged."""
    file = folder / RUN
    if not os.path.lexists(file):
        return None
    where = str(file)
    try:
        if not file.is_file():
            raise _broken(where, "is no file")
        if file.stat().st_size > SMALL:
            raise _broken(where, f"has more than {SMALL} bytes")
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise _broken(where, "is no JSON file that can be read") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise _broken(where, f"is no record of a run in format {FORMAT}")
    given = record.get("settings")
    if not isinstance(given, dict):
        raise _broken(where, "field settings is no record")
    settings = settings_of(given, where)
    sample, classes = record.get("sample"), record.get("classes")
    history: Any = record.get("history")
    if not (isinstance(sample, list) and len(sample) == 3 and all(_whole(n, 4096) for n in sample)):
        raise _broken(where, "field sample is no shape")
    if not isinstance(classes, int) or not _whole(classes, 65536) or not isinstance(record.get("data"), str):
        raise _broken(where, "fields classes and data are not what a run has")
    if not _is_history(history, settings):
        raise _broken(where, "field history is no list of epochs")
    tensors = _tensors(folder, record)
    return Checkpoint(settings, record["data"], tuple(sample), classes, tensors, history)


def _tensors(folder: Path, record: Mapping[str, Any]) -> dict[str, Tensor]:
    name, digest = record.get("tensors"), record.get("sha256")
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
        raise _broken(str(folder / RUN), "field tensors is no name of a file beside it")
    file = folder / name
    try:
        if not file.is_file():
            raise _broken(str(file), "is no file")
        if file.stat().st_size > LARGEST:
            raise _broken(str(file), f"has more than {LARGEST} bytes")
        content = file.read_bytes()
    except (OSError, ValueError):  # a name may hold what no name of a file does
        raise _broken(str(file), "cannot be read") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise _broken(str(file), "is not the file that the run wrote: its hash differs")
    try:
        tensors: dict[str, Tensor] = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise _broken(str(file), "is no file of tensors") from None
    return tensors


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "choose a folder that you may write"
        raise InputError(f"cannot be made: {error.strerror}", where=str(folder), remedy=remedy) from None


def _is_history(history: Any, settings: Settings) -> bool:
    """Whether these are the rows of :func:`hmn_lava.training.fit.row_of`, of the start and some of the epochs."""
    if not isinstance(history, list) or not 2 <= len(history) <= settings.epochs + 1:
        return False
    layers = sum(layer.kind != "pool" for layer in parse_layers(settings.layers)) + 1

    def of_layers(value: Any) -> bool:
        return isinstance(value, list) and len(value) == layers

    for epoch, row in enumerate(history):
        if not isinstance(row, dict) or row.get("epoch") != epoch:
            return False
        known: list[Any] = [row.get(name) for name in ("eta", "beta", "kappa", "lambda", "norm")]
        if not all(map(of_layers, known)):
            return False
        numbers = [number for each in known[:3] for number in each]
        for three in (three for each in known[3:] for three in each):
            if not isinstance(three, list) or len(three) != 3:
                return False
            numbers += three
        if epoch:
            numbers += [row.get("loss"), row.get("accuracy")]
        if not all(isinstance(number, float) and math.isfinite(number) for number in numbers):
            return False
    return True


def _whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _broken(where: str, problem: str) -> InputError:
    return InputError(problem, where=where, remedy="train again, into another folder")
