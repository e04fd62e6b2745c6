"""What the host computes before and after a network: the frozen part of a language model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from hmn_lava.spec.arrays import Array, Text
from hmn_lava.spec.fields import Positive, PositiveInteger, Record, fault


class LanguageHost(Record):
    """The frozen part of a language model: all but the weights of its encoder, which are known by their digest.

    With h the encoder's hidden size, d the adapters' size and V known tokens. What reads it, and the equations, are in
    :mod:`hmn_lava.language.frozen`.
    """

    type: Literal["language"]
    encoder: Text = Field(description="name of the encoder, for messages")
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="of the encoder's model.safetensors"
    )
    plasticity: Literal["neurocore", "engine"] = Field(description="the lowering that the adapters are for")
    window: PositiveInteger = Field(description="tokens that the encoder sees at most")
    scale: Positive = Field(description="a state of 1 in the network is this much on the host")
    period: PositiveInteger = Field(description="steps of a token")
    query: PositiveInteger = Field(description="step at which the token's state comes")
    projection: Array = Field(description="(3 h, d), from the features of a token to its state")
    readout: Array = Field(description="(V + 1, d), from a state to the scores of the next token")
    bias: Array = Field(description="(V + 1,), of the scores")
    tokens: Array = Field(description="(V,), the tokens that have a score; the last score is of all others")

    @model_validator(mode="after")
    def _lesson_before_the_state(self) -> LanguageHost:
        if not 2 <= self.query < self.period:
            raise fault(f"is not between the lesson's two steps and the period ({self.period})", "fit again", "query")
        return self
