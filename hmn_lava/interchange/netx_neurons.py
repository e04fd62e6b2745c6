"""The neurons of a lava-dl file, as the populations of a spec in the file's integers.

What Lava does with each number: ``lava.proc.lif``, ``lava.proc.sdn``, ``lava.proc.rf``, ``lava.proc.rf_iz``, and
``lava.lib.dl.netx.hdf5`` for what it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ldexp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import Finding
from hmn_lava.fixed import Fixed, Integers
from hmn_lava.interchange.netx_file import FileLayer, LayerReader
from hmn_lava.microcode.ir import WORD
from hmn_lava.spec.fields import MAX_REFRACTORY

UNIT = 6
"""Bits behind the binary point of a weight, and by which a LIF aligns input and threshold."""
DECAY = 1 << 12
NEVER = 1 << 17
"""A threshold that no voltage of 24 bits reaches. What is higher does the same."""
FIRST = 1
"""lava-dl's refDelay of a neuron that does not rest after a spike."""


@dataclass(frozen=True)
class Neuron:
    """A population's kind and fields; the binary point of its input and of what it sends, and the format of that.

    ``sends`` is None for spikes.
    """

    kind: str
    fields: dict[str, Any]
    input_frac: int
    frac: int
    sends: Fixed | None = None

    @property
    def spikes(self) -> bool:
        return self.sends is None and self.kind != "sigma_delta"


def neuron_of(
    file: LayerReader, layer: FileLayer, whc: tuple[int, ...], frac: int, spike_exp: int, drives: bool = False
) -> Neuron:
    """The neurons of a layer of Lava's shape ``whc`` that reads messages with ``frac`` bits behind the point.

    ``drives``: an input layer, whose neurons the host drives.
    """
    read = _Numbers(file, layer, whc)
    read.ignored()
    if layer.neuron == "SDNN":
        return _sigma_delta(read, frac, spike_exp, drives)
    if layer.neuron is not None and layer.neuron.startswith("RF"):
        return _resonator(read, frac, drives)
    return _lif(read, frac, drives)


@dataclass(frozen=True)
class _Numbers:
    """Reads a neuron's numbers, one for all or one for each neuron, channels first."""

    file: LayerReader
    layer: FileLayer
    whc: tuple[int, ...]

    def __call__(self, name: str, low: int, high: int) -> Integers:
        place = f"{self.layer.place}/neuron/{name}"
        values = self.layer.numbers.get(name)
        if values is None:
            raise self.file.wrong(place, "is missing")
        if values.min() < low or values.max() > high:
            wrong = values[(values < low) | (values > high)]
            raise self.file.wrong(place, f"is outside [{low}, {high}]", int(wrong[0]))
        return self.spread(values, place)

    def spread(self, values: Integers, place: str) -> Integers:
        """(1,) or (n,): numpy's broadcasting to Lava's shape (width, height, channels), then channels first."""
        if values.size == 1:
            return values.reshape(1)
        try:
            full = np.broadcast_to(values, self.whc)
        except ValueError:
            problem = f"has shape {values.shape}, which does not fit {self.whc}: width, height, channels"
            raise self.file.wrong(place, problem) from None
        return np.ascontiguousarray(full.transpose()).reshape(-1)

    def bias(self) -> Integers:
        """(1,) or (n,): one for each neuron or channel."""
        values = self.layer.arrays.get("bias")
        return np.zeros(1, np.int64) if values is None else self.spread(values, f"{self.layer.place}/bias")

    def tell(self, rule: str, used: Any, limit: Any, remedy: str) -> None:
        self.file.findings.append(Finding(rule, f"{self.layer.place}/neuron", used, limit, "warning", remedy))

    def ignored(self) -> None:
        """Tell what netx leaves out."""
        if self.layer.flags.get("gradedSpike"):
            self.tell("graded-spike", "graded spikes", "spikes of 1", "netx sends spikes of 1, and so does the import.")
        for name in ("wgtExp", "weight_exp"):
            if self.layer.numbers.get(name, np.zeros(1)).any():
                remedy = "netx leaves the exponent of the weights out, and so does the import."
                self.tell("weight-exponent", int(self.layer.numbers[name].reshape(-1)[0]), 0, remedy)


def _lif(read: _Numbers, frac: int, drives: bool) -> Neuron:
    """u loses iDecay/4096 and v vDecay/4096 of itself in a step; threshold vThMant, bias in the same unit."""
    point = UNIT + frac
    if read.layer.neuron is None:  # as netx does: integrates without a leak, and is never reset
        du, dv, vth, rest = np.array([0]), np.array([DECAY]), np.array([NEVER]), 0
    else:
        du, dv = read("iDecay", 0, DECAY), read("vDecay", 0, DECAY)
        vth = np.minimum(read("vThMant", 1, 1 << 24), NEVER)
        rest = _refractory(read)
    fields = {
        "du": 1.0 if drives else _values(du, 12),
        "dv": _values(dv, 12),
        "vth": _values(vth, point),
        "bias": 0.0 if drives else _values(read.bias(), point),
        "refractory": rest,
    }
    return Neuron("lif", fields, point, 0)


def _refractory(read: _Numbers) -> int:
    """Steps of rest: one less than refDelay, which netx leaves out."""
    given = read.layer.numbers.get("refDelay", np.array([FIRST]))
    if given.min() < 0 or given.max() > MAX_REFRACTORY + FIRST or given.min() != given.max():
        values = given.reshape(-1)[:3].tolist()
        problem = f"is not one number from 0 to {MAX_REFRACTORY + FIRST}"
        raise read.file.wrong(f"{read.layer.place}/neuron/refDelay", problem, values)
    rest = int(given.max()) - FIRST
    if rest <= 0:
        return 0
    read.tell(
        "refractory", f"{rest} steps of rest", "0 in netx", "netx has no refractory time; the chip has, and the import."
    )
    return rest


def _sigma_delta(read: _Numbers, frac: int, spike_exp: int, drives: bool) -> Neuron:
    """States have 6 bits more than messages; threshold and bias are shifted left by spike_exp and those 6."""
    point = spike_exp + UNIT if drives else UNIT + frac
    raw = spike_exp + UNIT  # bits by which Lava shifts threshold and bias to the left
    fields: dict[str, Any] = {"activation": "unit" if drives or _is_sigma(read) else "relu"}
    if drives:
        fields["sum"] = False
    else:
        activation = read.layer.flags.get("activation", "relu")
        if activation != "relu" and not _is_sigma(read):
            read.tell(
                "activation", activation, "relu", "netx rectifies whatever the file says, and so does the import."
            )
        fields["bias"] = _values(read.bias(), point - raw)
    if _is_sigma(read) and not drives:
        if read.bias().any():
            raise read.file.wrong(f"{read.layer.place}/bias", "has no meaning with sigma_output", None, "remove it")
        sends = Fixed(WORD, True, point)
        return Neuron(
            "sigma_delta", {**fields, "difference": False, "z_max": sends.max * sends.unit}, point, point, sends
        )
    fields["vth"] = _values(np.minimum(read("vThMant", 0, 1 << 24), 1 << (WORD - 1 - raw)), point - raw)
    sends = Fixed(WORD - UNIT, True, point - UNIT)
    fields["z_max"] = sends.max * sends.unit
    return Neuron("sigma_delta", fields, point, point - UNIT, sends)


def _is_sigma(read: _Numbers) -> bool:
    return "sigma_output" in read.layer.flags


def _resonator(read: _Numbers, frac: int, drives: bool) -> Neuron:
    """netx turns the decays into a period and a loss, and Lava these into decays again: cut off at each end."""
    if drives:
        problem, remedy = "resonators cannot be an input layer", "let the host drive a layer of complex synapses"
        raise read.file.wrong(f"{read.layer.place}/neuron/type", problem, read.layer.neuron, remedy)
    if read.bias().any():
        raise read.file.wrong(f"{read.layer.place}/bias", "has no meaning for resonators", None, "remove it")
    sine, cosine = (read(name, -DECAY, DECAY) / DECAY for name in ("sinDecay", "cosDecay"))
    with np.errstate(divide="ignore", invalid="ignore"):
        loss, period = 1.0 - np.sqrt(sine**2 + cosine**2), 1.0 / (np.arctan2(sine, cosine) / 2 / np.pi)
        im, re = ((1.0 - loss) * wave(np.pi * 2 * 1 / period) * DECAY for wave in (np.sin, np.cos))
    if not (np.isfinite(re).all() and np.isfinite(im).all()):
        raise read.file.wrong(f"{read.layer.place}/neuron/sinDecay", "is 0: a resonator that does not turn")
    point = UNIT + frac
    vth = read("vThMant", 1, (1 << (WORD - 1 - UNIT)) - 1)
    fields = {
        "spike": "phase" if read.layer.neuron == "RF_PHASE" else "izhikevich",
        "decay_re": _values(np.trunc(re), 12),
        "decay_im": _values(np.trunc(im), 12),
        "vth": _values(vth, point),
    }
    return Neuron("resonator", fields, point, 0)


def _values(integers: NDArray[Any], frac: int) -> Any:
    """Real values of integers: one number where there is one."""
    return ldexp(float(integers[0]), -frac) if integers.size == 1 else np.ldexp(integers.astype(np.float64), -frac)
