"""A frozen BERT encoder on the host, in numpy: what comes before the adapters.

Reads a Hugging Face folder (``config.json`` and ``model.safetensors``); nothing is fetched. The state of a token
follows from the tokens before it in its window, and from nothing after it: attention is masked causally. A text is cut
into windows, each of which begins with [CLS] and knows nothing of the one before it. So a text that comes token by
token (:class:`Stream`, which keeps keys and values) has the states, but for rounding, of one that is there at once
(:meth:`Encoder.encode`).

Equations: Devlin et al. 2019, section 3, and Vaswani et al. 2017, section 3, with the mask of its decoder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmn_lava.errors import BackendError, InputError

Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

EXTRA = 'pip install "hmn-lava[language]"'
WEIGHTS = "model.safetensors"
WINDOW = 127
"""Tokens that an encoder sees at most, where nothing else is said and it has places for so many."""
WINDOWS = 8
"""Windows that are encoded at a time."""

LARGEST = 1 << 20
"""Of a size."""

LARGEST_TEXT = 1 << 24
"""Characters of a file that is read whole."""

LARGEST_WEIGHT = 1000.0
"""Below it, no sum of an encoder as wide as BERT-large overflows; trained weights are far below."""

FOLDER = "give the folder of a BERT encoder from Hugging Face: config.json, vocab.txt, model.safetensors"

FIXED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


@dataclass(frozen=True)
class Sizes:
    """Sizes of the encoder, and ``eps`` of its layer norms.

    ``hidden`` values a token, ``layers``, ``heads``, ``inner`` values of the feed-forward part, ``vocabulary`` tokens
    and ``positions``.
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    eps: float

    @property
    def operations(self) -> int:
        """Multiplications for a token, those of attention left out: layers (4 hidden² + 2 hidden inner)."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.inner)


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer. Matrices are (from, to)."""

    into: Singles  # (hidden, 3 hidden): query, key, value
    into_bias: Singles
    out: Singles
    out_bias: Singles
    out_norm: tuple[Singles, Singles]
    up: Singles
    up_bias: Singles
    down: Singles
    down_bias: Singles
    down_norm: tuple[Singles, Singles]


class Encoder:
    """The encoder of a Hugging Face folder, with windows of ``window`` tokens behind their [CLS].

    ``words`` are the embeddings of its vocabulary, (vocabulary, hidden). Raises InputError where the folder has no such
    encoder or the window does not fit it, BackendError where safetensors or scipy is missing.
    """

    def __init__(self, folder: Path, window: int | None = None) -> None:
        self.folder, self.sizes = folder, _sizes(folder / "config.json")
        window = min(WINDOW, self.sizes.positions - 1) if window is None else window
        if window not in range(1, self.sizes.positions):
            remedy = f"use 1 to {self.sizes.positions - 1}"
            raise InputError("is no window of this encoder", field="window", value=window, remedy=remedy)
        self.window = window
        self._start = _start(folder / "vocab.txt", self.sizes.vocabulary)
        arrays = _Arrays(folder / WEIGHTS, self.sizes)
        self.words = arrays("embeddings.word_embeddings.weight", self.sizes.vocabulary, self.sizes.hidden)
        places = arrays("embeddings.position_embeddings.weight", self.sizes.positions, self.sizes.hidden)
        # All of a text is the first of two sentences.
        self._places = places + arrays("embeddings.token_type_embeddings.weight", None, self.sizes.hidden)[0]
        self._norm = arrays.norm("embeddings.LayerNorm")
        self._layers = [arrays.layer(number) for number in range(self.sizes.layers)]

    @property
    def name(self) -> str:
        """The folder's name, or that of the package it lies in."""
        folder = self.folder.resolve()
        return folder.parent.name if folder.name == "model" else folder.name

    @cached_property
    def sha256(self) -> str:
        """Digest of the weights' file."""
        with (self.folder / WEIGHTS).open("rb") as stream:
            found = hashlib.sha256()
            while block := stream.read(1 << 20):
                found.update(block)
        return found.hexdigest()

    def encode(self, tokens: Ints) -> Singles:
        """The state of each of n tokens, (n, hidden). Raises InputError for what is no token of the vocabulary."""
        _check(tokens, self.sizes.vocabulary)
        n, hidden = len(tokens), self.sizes.hidden
        columns = max(1, min(n, self.window))
        rows = -(-n // columns)
        padded = np.zeros((rows, columns + 1), np.int64)
        padded[:, 0] = self._start
        padded[:, 1:].flat[:n] = tokens
        states = np.empty((rows, columns, hidden), np.float32)
        for row in range(0, rows, WINDOWS):
            some = padded[row : row + WINDOWS]
            states[row : row + WINDOWS] = self._run(some, np.arange(some.shape[1]), None)[:, 1:]
        return states.reshape(-1, hidden)[:n]

    def stream(self) -> Stream:
        """Begin a text that comes token by token."""
        return Stream(self)

    def _run(self, tokens: Ints, places: Ints, cache: list[tuple[Singles, Singles]] | None) -> Singles:
        """States of (rows, columns) tokens at these places. ``cache``: of a layer, keys and values of places before."""
        eps, heads = self.sizes.eps, self.sizes.heads
        x = _norm(self.words[tokens] + self._places[places], self._norm, eps)
        rows, columns, hidden = x.shape
        width = hidden // heads
        for number, layer in enumerate(self._layers):
            qkv = (x.reshape(-1, hidden) @ layer.into + layer.into_bias).reshape(rows, columns, 3, heads, width)
            q, k, v = (qkv[:, :, part].transpose(0, 2, 1, 3) for part in range(3))
            if cache is not None:
                before_k, before_v = cache[number]
                before_k[:, places], before_v[:, places] = k[0], v[0]
                k, v = before_k[None, :, : places[-1] + 1], before_v[None, :, : places[-1] + 1]
            scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width))
            scores = np.where(np.arange(k.shape[2]) > places[:, None], np.float32(-np.inf), scores)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (weights / weights.sum(-1, keepdims=True)) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(-1, hidden)
            x = _norm(x + (mixed @ layer.out + layer.out_bias).reshape(x.shape), layer.out_norm, eps)
            inner = _gelu(x.reshape(-1, hidden) @ layer.up + layer.up_bias)
            x = _norm(x + (inner @ layer.down + layer.down_bias).reshape(x.shape), layer.down_norm, eps)
        return x


class Stream:
    """A text that comes token by token; keys and values of its window are kept."""

    def __init__(self, encoder: Encoder) -> None:
        sizes = encoder.sizes
        shape = (sizes.heads, encoder.window + 1, sizes.hidden // sizes.heads)
        self._encoder, self._place = encoder, 0
        self._cache = [(np.zeros(shape, np.float32), np.zeros(shape, np.float32)) for _ in range(sizes.layers)]

    def push(self, token: int) -> Singles:
        """The state of the next token, (hidden,). After an InputError, the text goes on as if nothing had come."""
        encoder = self._encoder
        _check(np.array([token]), encoder.sizes.vocabulary)
        one = np.array([[token] if self._place else [encoder._start, token]])
        places = np.arange(self._place, self._place + one.shape[1])
        state: Singles = encoder._run(one, places, self._cache)[0, -1]
        self._place = (int(places[-1]) + 1) % (encoder.window + 1)
        return state


def _norm(x: Singles, gain_bias: tuple[Singles, Singles], eps: float) -> Singles:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(eps))
    found: Singles = centred / deviation * gain_bias[0] + gain_bias[1]
    return found


def _gelu(x: Singles) -> Singles:
    """x Φ(x), Φ the normal distribution's (Hendrycks and Gimpel 2016)."""
    from scipy.special import ndtr

    found: Singles = x * ndtr(x)
    return found


def _check(tokens: Ints, vocabulary: int) -> None:
    remedy = "use the tokenizer of the encoder's folder"
    if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
        value = f"{tokens.shape}, {tokens.dtype}"
        raise InputError("must be a row of whole numbers", field="tokens", value=value, remedy=remedy)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= vocabulary):
        worst = int(tokens.max() if tokens.max() >= vocabulary else tokens.min())
        raise InputError(f"must be a token, 0 to {vocabulary - 1}", field="tokens", value=worst, remedy=remedy)


def _told(error: Exception) -> str:
    """What an error says, on a line, without the file's name."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120]


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {_told(error)}", where=str(file), remedy=FOLDER) from None
    if len(text) > LARGEST_TEXT:
        raise InputError(f"has more than {LARGEST_TEXT} characters", where=str(file), remedy=FOLDER)
    return text


def _sizes(file: Path) -> Sizes:
    try:
        config = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {_told(error)}", where=str(file), remedy=FOLDER) from None
    if not isinstance(config, dict):
        raise InputError("is no JSON object", where=str(file), remedy=FOLDER)
    for field, wanted in FIXED.items():
        if config.get(field, wanted) != wanted:
            remedy = f"give an encoder with {field}: {wanted}"
            raise InputError("is not supported", where=str(file), field=field, value=config[field], remedy=remedy)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size")
    hidden, layers, heads, inner, vocabulary, positions = (
        _whole(config, name, file) for name in (*names, "max_position_embeddings")
    )
    if hidden % heads:
        problem, remedy = f"does not divide hidden_size, {hidden}", "give an encoder's own file"
        raise InputError(problem, where=str(file), field=names[2], value=heads, remedy=remedy)
    eps = config.get("layer_norm_eps", 1e-12)
    if not isinstance(eps, float) or not 1e-30 <= eps < 1:
        problem, remedy = "must be a number from 1e-30 to below 1", "give an encoder's own file"
        raise InputError(problem, where=str(file), field="layer_norm_eps", value=eps, remedy=remedy)
    return Sizes(hidden, layers, heads, inner, vocabulary, positions, eps)


def _whole(config: Mapping[str, Any], name: str, file: Path) -> int:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        problem = f"must be a whole number, 1 to {LARGEST}"
        raise InputError(problem, where=str(file), field=name, value=value, remedy="give an encoder's own file")
    return value


def _start(file: Path, vocabulary: int) -> int:
    """The token [CLS]: its line, from 0."""
    lines = _text(file).split("\n")
    if "[CLS]" not in lines[:vocabulary]:
        problem = f"has no line [CLS] among its first {vocabulary}, config.json's vocab_size"
        raise InputError(problem, where=str(file), remedy="give both of one encoder")
    return lines.index("[CLS]")


class _Arrays:
    """The arrays of a file, with their shapes checked."""

    def __init__(self, file: Path, sizes: Sizes) -> None:
        try:
            from safetensors import SafetensorError
            from safetensors.numpy import load_file
            from scipy.special import ndtr  # noqa: F401
        except ImportError as error:
            raise BackendError(f"a language model needs {error.name}\n  remedy: {EXTRA}") from None
        try:
            arrays = load_file(file)
        # Types that numpy lacks, as bfloat16, are a TypeError or an AttributeError.
        except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
            remedy = "give the encoder's weights as safetensors, in float32 or float16"
            raise InputError(f"cannot be read: {_told(error)}", where=str(file), remedy=remedy) from None
        self.file, self.sizes = file, sizes
        self._arrays = {name.removeprefix("bert."): array for name, array in arrays.items()}

    def __call__(self, name: str, *shape: int | None) -> Singles:
        array = self._arrays.get(name)
        if array is None:
            raise InputError("is missing", where=str(self.file), field=name, remedy="give a BERT encoder's weights")
        fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        if not fits or not array.size or array.dtype.kind != "f":
            problem = f"should be {shape}, floats, as config.json says"
            value = f"{array.shape}, {array.dtype}"
            raise InputError(problem, where=str(self.file), field=name, value=value, remedy="give both of one encoder")
        if not np.abs(array).max() <= LARGEST_WEIGHT:  # nor is it where one is no number
            problem, remedy = f"must be finite, and at most {LARGEST_WEIGHT:g}", "give a trained encoder's weights"
            raise InputError(problem, where=str(self.file), field=name, remedy=remedy)
        return np.ascontiguousarray(array, np.float32)

    def norm(self, name: str) -> tuple[Singles, Singles]:
        return self(f"{name}.weight", self.sizes.hidden), self(f"{name}.bias", self.sizes.hidden)

    def dense(self, name: str, pre: int, post: int) -> tuple[Singles, Singles]:
        """A matrix as (from, to), and its bias."""
        return np.ascontiguousarray(self(f"{name}.weight", post, pre).T), self(f"{name}.bias", post)

    def layer(self, number: int) -> Layer:
        here, hidden, inner = f"encoder.layer.{number}", self.sizes.hidden, self.sizes.inner
        parts = [self.dense(f"{here}.attention.self.{name}", hidden, hidden) for name in ("query", "key", "value")]
        into, into_bias = (np.concatenate([part[n] for part in parts], axis=-1) for n in range(2))
        return Layer(
            into,
            into_bias,
            *self.dense(f"{here}.attention.output.dense", hidden, hidden),
            self.norm(f"{here}.attention.output.LayerNorm"),
            *self.dense(f"{here}.intermediate.dense", hidden, inner),
            *self.dense(f"{here}.output.dense", inner, hidden),
            self.norm(f"{here}.output.LayerNorm"),
        )
