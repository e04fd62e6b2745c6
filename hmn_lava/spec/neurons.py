"""The neurons of static networks: Lava's LIF with all that trained networks ask of it, sigma-delta, resonators.

A constant that is an array has one value for each neuron. What each does in a step is in
``hmn_lava/reference/neurons.py``, and as integers in ``hmn_lava/components``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from hmn_lava.spec.arrays import Array
from hmn_lava.spec.fields import MAX_PERIOD, Fraction, Period, Positive, Record, Size, Steps, fault, whole

Z_MAX = 8.0  # default saturation of a graded z


class LifSpec(Record):
    """Lava's current-based LIF: u <- (1 - du) u + a; v <- (1 - dv) v + u + bias; a spike and v <- 0 where v > vth."""

    du: Fraction = Field(1.0, description="decay of the current per step")
    dv: Fraction = Field(0.1, description="decay of the voltage per step")
    vth: Positive = Field(1.0, description="threshold of the voltage")


class RestartSpec(Record):
    """All states are 0 again at the beginning of the steps t with t mod every = at: a sample after the other."""

    every: Period = Field(description="steps of a sample")
    at: Annotated[int, Field(ge=0, lt=MAX_PERIOD), BeforeValidator(whole)] = Field(0, description="below every")

    @model_validator(mode="after")
    def _inside(self) -> RestartSpec:
        if self.at >= self.every:
            raise fault(f"is not below every ({self.every})", "use 0 <= at < every", "at")
        return self


class LifPopulation(Record):
    """Lava's current-based LIF, u <- (1 - du) u + a; v <- (1 - dv) v + u + bias; a spike where v > vth.

    After a spike v is ``v_reset``, or less by vth with ``reset: subtract``; then it rests for ``refractory`` steps, in
    which u goes on, v stays, and nothing is sent. With ``output: voltage`` there is neither threshold nor reset, and v
    is sent in each step, saturated at ±z_max.
    """

    type: Literal["lif"]
    size: Size = Field(description="number of neurons")
    du: Array = Field(1.0, description="decay of the current per step, 0..1, (n,)")
    dv: Array = Field(0.1, description="decay of the voltage per step, 0..1, (n,)")
    vth: Array = Field(1.0, description="threshold of the voltage, above 0, (n,)")
    bias: Array = Field(0.0, description="added to the voltage in each step, (n,)")
    reset: Literal["value", "subtract"] = Field("value", description="after a spike: v <- v_reset, or v <- v - vth")
    v_reset: Array = Field(0.0, description="v after a spike, vth at most, only with reset: value, (n,)")
    refractory: Steps = Field(0, description="steps in which v rests after a spike")
    output: Literal["spike", "voltage"] = Field("spike", description="what is sent")
    restart: RestartSpec | None = None
    z_max: Positive | None = Field(
        None, description=f"saturation of z, only with output: voltage; {Z_MAX:g} if left out"
    )

    @model_validator(mode="after")
    def _fields_of_the_output(self) -> LifPopulation:
        if self.output == "voltage":
            for name in ("vth", "reset", "v_reset", "refractory"):
                if name in self.model_fields_set and getattr(self, name) != type(self).model_fields[name].default:
                    raise fault("has no meaning with output voltage", "remove it, or use output: spike", name)
        elif self.z_max is not None:
            raise fault("has no meaning with output spike", "remove it, or use output: voltage", "z_max")
        if self.reset == "subtract" and self.v_reset != 0.0:
            raise fault("has no meaning with reset subtract", "remove it, or use reset: value", "v_reset")
        return self


class SigmaDeltaPopulation(Record):
    """Sigma-delta neurons: they sum up messages, apply an activation, and send by how much it has changed.

    sigma <- sigma + a; act = f(sigma + bias); delta = act - (act of the last step) + residue; z = delta where
    |delta| >= vth, else 0; residue <- delta - z. With ``sum: false``, act = f(a + bias); with ``difference: false``,
    z = act. Neither of both: a relay. z is saturated at ±z_max.
    """

    type: Literal["sigma_delta"]
    size: Size = Field(description="number of neurons")
    sum: StrictBool = Field(True, description="false: messages are values, not changes")
    difference: StrictBool = Field(True, description="false: the value is sent in each step, not its changes")
    activation: Literal["relu", "unit"] = Field("relu", description="f: max(0, x), or x")
    vth: Array = Field(0.0, description="smallest change that is sent, 0 or more, (n,)")
    bias: Array = Field(0.0, description="added to the sum, (n,)")
    z_max: Positive = Field(Z_MAX, description="saturation of z")
    restart: RestartSpec | None = None

    @model_validator(mode="after")
    def _threshold_of_differences(self) -> SigmaDeltaPopulation:
        if not self.difference and self.vth != 0.0:
            raise fault("has no meaning with difference false", "remove it, or use difference: true", "vth")
        return self


class ResonatorPopulation(Record):
    """Resonate-and-fire neurons: re + i im <- decay · (re + i im) + a_re + i a_im, decay = decay_re + i decay_im.

    ``spike: phase``: a spike where re >= vth in the step in which im comes from below to 0 or more.
    ``spike: izhikevich``: a spike where im >= vth; then re <- 0, and im just below vth.
    Connections bring a_re, or with ``component: imaginary`` a_im.
    """

    type: Literal["resonator"]
    size: Size = Field(description="number of neurons")
    spike: Literal["phase", "izhikevich"] = "phase"
    decay_re: Array = Field(description="(1 - alpha) cos(2 pi / period), (n,)")
    decay_im: Array = Field(description="(1 - alpha) sin(2 pi / period), (n,)")
    vth: Array = Field(1.0, description="threshold, above 0, (n,)")
    restart: RestartSpec | None = None


StaticNeurons = LifPopulation | SigmaDeltaPopulation | ResonatorPopulation
