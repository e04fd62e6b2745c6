"""What a training run is: the network's layers, its neurons, the mechanisms that learn, and the budget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from hmn_lava.spec.fields import Fraction, NonNegative, Number, Positive, PositiveInteger, Record, Seed, fault, whole
from hmn_lava.spec.problems import error_of, problems_of

_LAYER = re.compile(
    r"(?P<channels>\d{1,4})c(?P<kernel>\d{1,3})(?:s(?P<stride>\d{1,3}))?|p(?P<pool>\d{1,3})|(?P<size>\d{1,6})"
)

Mechanism = Literal["stbp", "hebbian", "sbp"]

MECHANISMS: tuple[Mechanism, ...] = ("stbp", "hebbian", "sbp")
"""In the order of W_1, W_2, W_3."""
MOST_LAYERS = 64
MOST = 2**20
"""Epochs, and samples of a batch."""


@dataclass(frozen=True)
class LayerText:
    """One layer as it is written: ``12c5s2`` a convolution, ``p2`` a mean pool, ``128`` a dense layer."""

    kind: Literal["conv", "pool", "dense"]
    size: int = 0
    """Channels or neurons."""
    kernel: int = 0
    stride: int = 1


class Settings(Record):
    """Symbols are those of arXiv:2508.13673; what it leaves open is chosen here, and said in ``docs/mpsl.md``."""

    layers: str = Field("16c5s2,32c5s2,64c3s2", description="hidden layers; one neuron a class follows")
    steps: PositiveInteger = Field(4, le=1024, description="T, time steps of a sample")
    threshold: Positive = Field(0.5, description="V_th")
    decay: Fraction = Field(0.5, description="rho_m, what a step leaves of a membrane potential")
    window: Positive = Field(1.0, description="a, width of the rectangular surrogate gradient")
    mechanisms: Annotated[tuple[Mechanism, ...], Field(min_length=1)] = MECHANISMS
    fusion: Literal["learned"] | tuple[Number, Number, Number] = Field(
        "learned", description="lambda_1..3: learned from 1, or fixed"
    )
    guided: StrictBool = Field(True, description="the global error trains eta, beta and kappa of the local mechanisms")
    reuse: StrictBool = Field(True, description="SBP takes up the Hebbian changes; or else, plain coincidences")
    tau_w: Positive = Field(40.0, description="time constant of W_2 and W_3, steps")
    eta: Number = Field(0.0025, description="eta_l at the start")
    beta: Number = Field(-0.2, description="beta_l at the start")
    kappa: Number = Field(0.1, description="kappa_l at the start")
    epochs: PositiveInteger = Field(15, le=MOST)
    batch: PositiveInteger = Field(50, le=MOST)
    rate: Positive = Field(2e-3, description="learning rate of Adam, which falls to 0 by a cosine")
    local_rate: NonNegative = Field(5e-3, description="the same of beta and kappa, and over tau_w of eta")
    shift: Annotated[int, Field(ge=0, le=64), BeforeValidator(whole)] = Field(
        2, description="pixels by which training samples are moved at most"
    )
    seed: Seed = 0

    @field_validator("layers")
    @classmethod
    def _known_layers(cls, text: str) -> str:
        parse_layers(text)
        return text

    @field_validator("fusion", mode="wrap")
    @classmethod
    def _known_fusion(cls, value: Any, known: ValidatorFunctionWrapHandler) -> Any:
        try:
            return known(value)
        except ValidationError:
            raise fault("is neither learned nor three numbers", "write learned, or [1, 0.5, 0.25]") from None

    @model_validator(mode="after")
    def _mechanisms_once(self) -> Settings:
        if len(set(self.mechanisms)) != len(self.mechanisms):
            raise fault("names a mechanism twice", "name each once", "mechanisms")
        return self

    @property
    def name(self) -> str:
        """The mechanisms, as tables name them."""
        return "MPSL" if set(self.mechanisms) == set(MECHANISMS) else "+".join(self.mechanisms)


def settings_of(content: Mapping[str, Any], where: str = "") -> Settings:
    """Settings of plain values. Raises InputError that names the field."""
    try:
        return Settings.model_validate(dict(content))
    except ValidationError as error:
        raise error_of(problems_of(error, Settings), where) from None


def parse_layers(text: str) -> list[LayerText]:
    """The hidden layers that a text names. Raises a validation error."""
    found: list[LayerText] = []
    for part in text.split(","):
        match = _LAYER.fullmatch(part.strip())
        if match is None:
            remedy = (
                "write layers as 12c5s2 (12 channels, kernel 5, stride 2), p2 (mean pool), 128 (dense), with commas"
            )
            raise fault(f"{part.strip()[:40]!r} is no layer", remedy)
        numbers = {name: int(value) for name, value in match.groupdict().items() if value is not None}
        if 0 in numbers.values():
            raise fault(f"{part.strip()!r} has a 0", "use numbers from 1 on")
        if "pool" in numbers:
            found.append(LayerText("pool", kernel=numbers["pool"], stride=numbers["pool"]))
        elif "size" in numbers:
            found.append(LayerText("dense", numbers["size"]))
        else:
            found.append(LayerText("conv", numbers["channels"], numbers["kernel"], numbers.get("stride", 1)))
        if len(found) > MOST_LAYERS:
            raise fault(f"has more than {MOST_LAYERS} layers", "use fewer")
        if len(found) > 1 and found[-2].kind == "dense" and found[-1].kind != "dense":
            raise fault(f"{part.strip()!r} follows a dense layer", "put dense layers last")
    if found[-1].kind == "pool" and len(found) == 1:
        raise fault("has no layer that learns", "begin with a convolution or a dense layer")
    return found
