"""A language model that goes on learning: a frozen Transformer on the host, four HMN adapters on the simulated chip.

Fits the softmax head on Python's reference (once; about a minute), then reads source code, prose, and code again, token
by token, and shows the perplexity of the last tokens with the adapters and without. Whatever is below 1 was learned.
"""

from pathlib import Path

import hmn_lava as hl
from hmn_lava.language.demo import Point, read_live, seconds
from hmn_lava.language.fitting import fit_language
from hmn_lava.language.model import reader_of

FOLDER = Path("demo-output") / "language"
TEXTS = ("code", "topics", "code")
TOKENS = 1000


def main() -> None:
    """Fit, compile and read."""
    if not (FOLDER / "spec.yaml").exists():
        hl.dump_spec(fit_language(tell=print).spec, FOLDER)
    bundle = hl.compile(hl.load_spec(FOLDER))
    bundle.save(f"{FOLDER}.bundle")
    session = bundle.session()
    synapses = sum(c.n_syn for c in bundle.model.connections.values() if c.rule is not None)
    print(
        f"{synapses} plastic synapses in four adapters, compiled for {bundle.profile.name}; backend {session.backend}"
    )
    print("perplexity of the last tokens:  frozen  adapted  ratio")
    points = read_live(reader_of(bundle, session), TEXTS, TOKENS, tell=show)
    host, adapters = (1e3 * each for each in seconds(points))
    print(f"seconds: {1e3 / (host + adapters):.0f} tokens/s; host {host:.1f} ms, adapters {adapters:.1f} ms a token")


def show(point: Point) -> None:
    """One line."""
    print(f"{point.text:12} token {point.tokens:5} {point.frozen:13.1f} {point.adapted:8.1f} {point.ratio:6.2f}")


if __name__ == "__main__":
    main()
