"""The random streams are uniform, independent over index, time, names and seeds, and repeat nowhere.

All seeds are fixed, so that these tests are deterministic; the tolerances say how rare a failure would be for true
randomness.
"""

import hashlib

import numpy as np
import pytest

from hmn_lava import streams

STREAMS = [(0, "out.noise"), (1, "out.noise"), (0, "readout.gate"), (123456789, "hidden.sample")]
MANY = 1 << 18
SIGMAS = 5.0  # two-sided 6e-7 for each statistic, some hundred of them


def along_index(seed, name, t=17, count=MANY, bits=16):
    return streams.uniform(seed, name, t, np.arange(count), bits)


def along_time(seed, name, index=3, count=MANY, bits=16):
    return streams.uniform(seed, name, np.arange(count), index, bits)


SEQUENCES = [along_index, along_time]


def assert_even(cells, cell_count):
    """chi2 over equal cells within 5 sigma of its mean, on both sides: neither uneven nor too even."""
    counts = np.bincount(cells, minlength=cell_count)
    expected = cells.size / cell_count
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    freedom = cell_count - 1
    assert abs(chi2 - freedom) < SIGMAS * np.sqrt(2 * freedom)


def assert_uncorrelated(a, b):
    """The correlation of n independent pairs has a standard deviation of 1/sqrt(n)."""
    assert abs(np.corrcoef(a, b)[0, 1]) < SIGMAS / np.sqrt(a.size)


# ------------------------------------------------------------------------------------------------- what a draw is


def scalar(seed, name, t, index):
    """The draw of the module's docstring once more, in Python's integers."""

    def word(n):
        return (n + 2**23) % 2**24 - 2**23

    def mix(x, k, l):  # noqa: E741
        y = word(0x9E3779 * x + k)
        z = word(y * y // 2**12 + l)
        z = word(z * z // 2**12 + y)
        return word(z * z // 2**12 + y)

    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    k = [word(digest[n] + 256 * digest[n + 1] + 65536 * digest[n + 2]) for n in (0, 3, 6, 9)]
    return mix(word(index), mix(word(t), k[0], k[1]), mix(word(t), k[2], k[3])) % 2**24


def test_draws_are_those_of_the_docstring():
    rng = np.random.default_rng(0)
    t, index = rng.integers(-(2**25), 2**25, (2, 300))
    for seed, name in STREAMS:
        words = streams.uniform(seed, name, t, index, bits=24)
        assert words.tolist() == [scalar(seed, name, int(a), int(b)) for a, b in zip(t, index, strict=True)]


def test_fewer_bits_are_the_upper_bits():
    words = along_index(0, "a", bits=24)
    for bits in (1, 8, 16, 23):
        assert (along_index(0, "a", bits=bits) == words >> (24 - bits)).all()


def test_time_and_index_broadcast():
    table = streams.uniform(5, "n", np.arange(4)[:, None], np.arange(6))
    assert table.shape == (4, 6)
    assert table[2, 5] == streams.uniform(5, "n", 2, 5)


def test_keys_are_words_of_the_seed_and_the_name():
    keys = streams.keys(0, "out.noise")
    assert len(set(keys)) == streams.KEYS
    assert all(-(2**23) <= k < 2**23 for k in keys)
    assert streams.keys(0, "out.noise") == keys
    assert not set(keys) & set(streams.keys(1, "out.noise")) & set(streams.keys(0, "out.nois"))


# ----------------------------------------------------------------------------------------------------- uniformity


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("stream", STREAMS)
def test_upper_middle_and_lower_bits_are_uniform(stream, sequence):
    words = sequence(*stream, bits=24)
    for shift in (16, 8, 0):
        assert_even(words >> shift & 255, 256)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("stream", STREAMS)
def test_mean_and_variance_of_the_16_bit_draws(stream, sequence):
    u = (sequence(*stream) + 0.5) / 2**16
    assert abs(u.mean() - 0.5) < SIGMAS / np.sqrt(12 * u.size)
    assert abs(u.var() - 1 / 12) < SIGMAS / np.sqrt(180 * u.size)  # var((u - 1/2)**2) = 1/180


def test_every_short_run_of_time_is_uniform_for_many_neurons():
    """16 steps of 16384 neurons: what a layer sees in a short run, for 8 beginnings."""
    for begin in (0, 1, 100, 4096, 65536, 10**6, 2**23 - 8, 2**24 - 8):
        draws = streams.uniform(2, "layer", begin + np.arange(16)[:, None], np.arange(1 << 14))
        assert_even((draws >> 8).ravel(), 256)


# --------------------------------------------------------------------------------------------------- independence


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [1, 2, 3, 7, 16, 256, 4096, 65536])
def test_neighbours_are_independent(stream, sequence, lag):
    """Correlation, and the joint counts of the upper four bits of two draws that are ``lag`` apart."""
    draws = sequence(*stream)
    assert_uncorrelated(draws[:-lag], draws[lag:])
    pairs = (draws[:-lag] >> 12) * 16 + (draws[lag:] >> 12)
    # Disjoint pairs: overlapping ones are not independent and their chi2 has another variance.
    starts = np.arange(pairs.size)
    assert_even(pairs[starts // lag % 2 == 0], 256)


@pytest.mark.parametrize("stream", STREAMS)
def test_index_and_time_are_independent_of_each_other(stream):
    """A table of 512 x 512: rows, columns and both diagonals against their neighbours."""
    table = streams.uniform(*stream, np.arange(512)[:, None], np.arange(512))
    for other in (table[1:, :-1], table[:-1, 1:], table[1:, 1:]):
        assert_uncorrelated(table[:-1, :-1].ravel(), other.ravel())
    assert_uncorrelated(table[:-1, 1:].ravel(), table[1:, :-1].ravel())
    assert_uncorrelated(table.ravel(), table.T.copy().ravel())


@pytest.mark.parametrize("mask", [1 << n for n in range(0, 18)])
def test_a_flipped_bit_of_the_counters_changes_half_of_the_bits(mask):
    words = np.arange(1 << 14)
    for draw in (lambda c: streams.uniform(0, "a", 5, c, 24), lambda c: streams.uniform(0, "a", c, 5, 24)):
        changed = draw(words) ^ draw(words ^ mask)
        share = np.array([(changed >> n & 1).mean() for n in range(24)])
        # Pairs are counted twice: 2**13 independent ones.
        assert np.abs(share - 0.5).max() < SIGMAS * 0.5 / np.sqrt(2**13)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "a"), (1, "a")),
        ((0, "a"), (0, "b")),
        ((0, "a.noise"), (0, "a.sample")),
        ((1, "1:a"), (11, ":a")),
        ((0, "a"), (2**40, "a")),
    ],
)
def test_different_names_and_seeds_give_different_streams(one, other):
    a, b = along_index(*one), along_index(*other)
    # Equal draws are a Poisson count with mean n / 2**16 = 4.
    assert (a == b).sum() < 4 + SIGMAS * 2 + 5
    assert_uncorrelated(a, b)
    assert_even((a >> 12) * 16 + (b >> 12), 256)


def test_no_stream_holds_a_shifted_copy_of_a_part_of_another():
    """Four draws in a row (64 bits) of 64 steps x 2048 neurons, along index and time, both ways, in two streams.

    Among a million windows the expected number of accidental repetitions (palindromes, mostly) is 1e-4.
    """
    windows = []
    for seed, name in STREAMS[:2]:
        u = streams.uniform(seed, name, np.arange(64)[:, None], np.arange(2048))
        for w in (u, u.T, u[:, ::-1], u.T[:, ::-1]):
            windows.append((w[:, :-3] << 48 | w[:, 1:-2] << 32 | w[:, 2:-1] << 16 | w[:, 3:]).ravel())
    everything = np.concatenate(windows)
    assert np.unique(everything).size == everything.size > 10**6


# ------------------------------------------------------------------------------------ the words of the learning engine

PARTS = [(number, bits) for number in range(3) for bits in (7, 8, 11)]


def word(seed, name, t, index):
    """The 32-bit word of the module's docstring once more, in Python's integers."""

    def mixed(k, other):
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        keys = [int.from_bytes(digest[3 * n : 3 * n + 3], "little") for n in (k, other)]
        signed = [(n + 2**23) % 2**24 - 2**23 for n in (0x9E3779 * t + keys[0], keys[1])]
        y, z = signed[0], 0
        for n, add in enumerate((signed[1], y, y)):
            z = ((y if n == 0 else z) ** 2 // 2**12 + add + 2**23) % 2**24 - 2**23
        return z % 2**24 * 2**8

    h = (index * 0x9E3779B1 + mixed(0, 1)) % 2**32
    h ^= h >> 16
    h = (h * 0x21F0AAAD + mixed(2, 3)) % 2**32
    h ^= h >> 15
    h = h * 0x735A2D97 % 2**32
    return h ^ h >> 15


def test_words_are_those_of_the_docstring():
    rng = np.random.default_rng(1)
    index = rng.integers(0, 2**40, 200)
    for seed, name in STREAMS:
        for t in (0, 1, 77, 2**23, 2**24 + 5):
            assert streams.words(seed, name, t, index).tolist() == [word(seed, name, t, int(i)) for i in index]


@pytest.mark.parametrize(("number", "bits"), PARTS)
def test_parts_are_the_upper_bits_of_the_rotated_word(number, bits):
    words = streams.words(0, "s.synapses", 3, np.arange(100))
    text = [f"{w:032b}" for w in words.tolist()]
    turn = 11 * number
    assert streams.part(words, number, bits).tolist() == [int((t[turn:] + t[:turn])[:bits], 2) for t in text]


@pytest.mark.parametrize("along", ["index", "time"])
@pytest.mark.parametrize("stream", STREAMS)
def test_the_parts_are_uniform_and_independent(stream, along):
    """Of one synapse's variables, of neighbouring synapses, and of successive steps."""
    if along == "index":
        words = streams.words(*stream, 17, np.arange(MANY))
    else:
        words = np.array([streams.words(*stream, t, np.array([3, 70000])) for t in range(1 << 15)])[:, 0]
    parts = [streams.part(words, number, 8) for number in range(3)]
    for number, values in enumerate(parts):
        assert_even(values, 256)
        assert_uncorrelated(values, parts[number - 1])
        assert_even((values >> 4) * 16 + (parts[number - 1] >> 4), 256)
        for lag in (1, 2, 16, 1024):
            assert_uncorrelated(values[:-lag], values[lag:])


def test_no_step_repeats_another_shifted():
    """Words of two steps have no more in common than chance: about n**2 / 2**32 pairs."""
    size, steps = 1 << 14, 24
    words = [streams.words(0, "s.synapses", t, np.arange(size)) for t in range(steps)]
    common = sum(np.intersect1d(a, b).size for n, a in enumerate(words) for b in words[n + 1 :])
    expected = size**2 / 2**32 * steps * (steps - 1) / 2
    assert common < expected + SIGMAS * np.sqrt(expected) + 1
