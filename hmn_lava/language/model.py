"""From a bundle to a reader of texts: the host's arrays, the encoder, and the adapters in a session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmn_lava.errors import InputError
from hmn_lava.language.frozen import Floats, Frozen
from hmn_lava.language.reader import Adapters, Reader
from hmn_lava.language.store import encoder_of
from hmn_lava.session import Session
from hmn_lava.spec import Spec
from hmn_lava.spec.arrays import Array, NpzArray, Values
from hmn_lava.spec.host import LanguageHost
from hmn_lava.spec.materialise import Source

if TYPE_CHECKING:
    from hmn_lava.bundle import Bundle


def host_of(spec: Spec) -> LanguageHost:
    """The host of a language model's spec. Raises InputError for a spec without one."""
    if spec.host is None:
        remedy = "give what was compiled from a spec that `hmn-lava language fit` wrote"
        raise InputError("is no language model", where=spec.file, field="host", remedy=remedy)
    return spec.host


def frozen_of(spec: Spec, folder: Path | None = None) -> Frozen:
    """The frozen part of a language model; ``folder``: of its encoder, where that is not the package's.

    Raises InputError for arrays that do not go together, and for another encoder than the one it was fitted with.
    """
    host = host_of(spec)
    encoder = encoder_of(host, folder)
    source = Source(spec.folder, 0)
    readout, bias, projection, tokens = (
        _read(source, getattr(host, name), f"host.{name}") for name in ("readout", "bias", "projection", "tokens")
    )
    width, known = spec.populations["error"].size if "error" in spec.populations else 0, tokens.size
    shapes = {
        "readout": (readout.shape, (known + 1, width)),
        "bias": (bias.shape, (known + 1,)),
        "projection": (projection.shape, (3 * encoder.sizes.hidden, width)),
        "tokens": (tokens.shape, (known,)),
    }
    for name, (found, wanted) in shapes.items():
        if found != wanted or not known or not width:
            remedy = "fit the model again"
            raise InputError(f"should be {wanted}", where=spec.file, field=f"host.{name}", value=found, remedy=remedy)
    size = encoder.sizes.vocabulary
    inside = (tokens >= 0) & (tokens < size) & (tokens == np.floor(tokens))
    if not inside.all() or len(np.unique(tokens)) != known:
        remedy = f"give each once, whole numbers 0 to {size - 1}"
        raise InputError("are no tokens of the encoder", where=spec.file, field="host.tokens", remedy=remedy)
    return Frozen(encoder, projection, readout, bias, tokens.astype(np.int64))


def reader_of(bundle: Bundle, session: Session, folder: Path | None = None) -> Reader:
    """A reader whose adapters are those of a session of the bundle."""
    return Reader(frozen_of(bundle.spec, folder), Adapters(session, host_of(bundle.spec)))


def _read(source: Source, array: Array, field: str) -> Floats:
    if not isinstance(array, (Values, NpzArray)):
        raise InputError("must be an array", field=field, remedy="fit the model again")
    return source.given(array, field)
