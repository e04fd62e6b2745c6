"""A tiny BERT of random weights, with its tokenizer, as a Hugging Face folder; texts, and what is fitted on them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 64

LETTERS = "abcdefghijklmnopqrstuvwxyz"
COMMON = """
about above across after again against ago all almost alone along already also always among and animal another answer
any are area around ask away back bad be because bed been before began being below best better between big bird black
blue boat body book both box boy bring brown build but by call came can car carry case cat change child city class
clear close cold come could country cut dark day did different do dog done door down draw dry during each early earth
east easy eat end enough even ever every example eye face fall family far farm fast father feel few field find fire
first fish five fly follow food foot for form found four friend from front full game gave get girl give go gold good
got great green ground group grow had half hand happy hard has have he head hear heart help her here high him his hold
home horse hot hour house how if in is it its jump just keep kind king know land large last late lay learn leave left
less let life light like line list little live long look lot low made make man many map may me mean men might mind
more morning most mother move much must my name near need never new next night no north not now of off old on once one
only or other our out over own
"""
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS += [*LETTERS, *(f"##{letter}" for letter in LETTERS), *"0123456789", *".,;:!?'\"()-", *COMMON.split()]


def arrays(positions: int) -> Iterator[tuple[str, np.ndarray]]:
    """Weights by their names, as transformers' BertModel has them; large enough that attention chooses."""
    rng = np.random.default_rng(1907)

    def draw(name: str, *shape: int, mean: float = 0.0, std: float = 0.2) -> tuple[str, np.ndarray]:
        return name, rng.normal(mean, std, shape).astype(np.float32)

    def norm(name: str) -> Iterator[tuple[str, np.ndarray]]:
        yield draw(f"{name}.LayerNorm.weight", HIDDEN, mean=1.0)
        yield draw(f"{name}.LayerNorm.bias", HIDDEN)

    def dense(name: str, pre: int, post: int) -> Iterator[tuple[str, np.ndarray]]:
        yield draw(f"{name}.weight", post, pre)
        yield draw(f"{name}.bias", post, std=0.1)

    for name, rows in (("word", len(WORDS)), ("position", positions), ("token_type", 2)):
        yield draw(f"embeddings.{name}_embeddings.weight", rows, HIDDEN)
    yield from norm("embeddings")
    for number in range(LAYERS):
        here = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            yield from dense(f"{here}.attention.self.{part}", HIDDEN, HIDDEN)
        yield from dense(f"{here}.attention.output.dense", HIDDEN, HIDDEN)
        yield from norm(f"{here}.attention.output")
        yield from dense(f"{here}.intermediate.dense", HIDDEN, INNER)
        yield from dense(f"{here}.output.dense", INNER, HIDDEN)
        yield from norm(f"{here}.output")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with config.json, vocab.txt, tokenizer.json and model.safetensors; not to be written to."""
    pytest.importorskip("safetensors.numpy")
    pytest.importorskip("tokenizers")
    pytest.importorskip("scipy")
    return write_encoder(tmp_path_factory.mktemp("encoder"), POSITIONS)


@pytest.fixture(scope="session")
def long_folder(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """The same with places enough for the window that a fit has."""
    return write_encoder(tmp_path_factory.mktemp("long"), 128)


def write_encoder(folder: Path, positions: int) -> Path:
    """Write the four files."""
    import tokenizers
    from safetensors.numpy import save_file

    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": len(WORDS),
        "max_position_embeddings": positions,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    save_file(dict(arrays(positions)), folder / "model.safetensors")
    words = {word: token for token, word in enumerate(WORDS)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def speak(words: int, style: int = 0, seed: int = 0) -> str:
    """Sentences in which a word has four successors that the style has chosen."""
    vocabulary = COMMON.split()[:60]
    after = np.random.default_rng(100 + style).integers(0, len(vocabulary), (len(vocabulary), 4))
    rng, word, found = np.random.default_rng(seed), 0, []
    for number in range(words):
        word = after[word, rng.integers(4)]
        found.append(vocabulary[word] + (".\n" if number % 9 == 8 else ""))
    return " ".join(found)


@pytest.fixture(scope="session")
def spoken() -> Callable[..., str]:
    """Texts: ``spoken(words, style=0, seed=0)``."""
    return speak


@pytest.fixture(scope="session")
def tokens_of_text(encoder_folder: Path) -> Callable[..., np.ndarray]:
    """The tokens of such a text."""
    from hmn_lava.language.tokens import Tokenizer

    tokenizer = Tokenizer(encoder_folder)
    return lambda *given, **named: tokenizer.encode(speak(*given, **named))


@pytest.fixture(scope="session")
def frozen(encoder_folder: Path, tokens_of_text: Callable[..., np.ndarray]):
    """A frozen part with states of 8 and scores of 50 tokens."""
    from hmn_lava.language.encoder import Encoder
    from hmn_lava.language.frozen import fit

    encoder, text = Encoder(encoder_folder, 31), tokens_of_text(3000)
    return fit(encoder, [text], [encoder.encode(text)], known=50, width=8, epochs=60)


@pytest.fixture(scope="session", params=["neurocore", "engine"])
def bundle(request: pytest.FixtureRequest, frozen):
    """Its adapters, compiled, in both lowerings."""
    import hmn_lava as hl
    from hmn_lava.language.adapters import language_spec

    return hl.compile(language_spec(frozen, request.param), plasticity=request.param)


@pytest.fixture
def adapters(bundle):
    """The adapters in a new session: ``adapters(backend="fast")``."""
    from hmn_lava.language.model import host_of
    from hmn_lava.language.reader import Adapters

    return lambda backend="fast": Adapters(bundle.session(backend), host_of(bundle.spec))
