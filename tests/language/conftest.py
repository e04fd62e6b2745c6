"""A tiny BERT of random weights, with its tokenizer, as a Hugging Face folder."""

import json
from collections.abc import Iterator
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


def arrays() -> Iterator[tuple[str, np.ndarray]]:
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

    for name, rows in (("word", len(WORDS)), ("position", POSITIONS), ("token_type", 2)):
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
    save_file = pytest.importorskip("safetensors.numpy").save_file
    tokenizers = pytest.importorskip("tokenizers")
    pytest.importorskip("scipy")
    folder = tmp_path_factory.mktemp("encoder")
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": len(WORDS),
        "max_position_embeddings": POSITIONS,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    save_file(dict(arrays()), folder / "model.safetensors")
    words = {word: token for token, word in enumerate(WORDS)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
