"""Noise, salt and pepper, and cropping: their statistics, their levels, and what they leave alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmn_lava.errors import InputError
from hmn_lava.training.perturbations import LEVELS, PERTURBATIONS, perturb

NAMES = sorted(PERTURBATIONS)
GREY = np.full((40, 32, 32), 0.5, np.float32)
"""40,960 pixels: a share of them has a standard error of at most 0.0025, so that 0.015 is six of them."""

PHOTOS = np.random.default_rng(1).random((6, 3, 16, 12)).astype(np.float32)


def test_names_and_levels():
    assert list(PERTURBATIONS) == ["gaussian", "salt-and-pepper", "crop"]
    assert all(perturbation.levels == (0.1, 0.2, 0.3, 0.4, 0.5) for perturbation in PERTURBATIONS.values())


@pytest.mark.parametrize("name", NAMES)
@given(st.floats(0, 1), st.integers(0, 2**32), st.sampled_from([np.float32, np.float64]))
def test_images_stay_images(name, level, seed, dtype):
    images = PHOTOS.astype(dtype)
    kept = images.copy()
    changed = perturb(images, name, level, seed)
    assert changed.shape == images.shape and changed.dtype == dtype
    assert ((changed >= 0.0) & (changed <= 1.0)).all()
    assert np.array_equal(images, kept)
    assert np.array_equal(changed, perturb(images, name, level, seed))


@pytest.mark.parametrize("name", NAMES)
def test_level_0_returns_the_images(name):
    assert perturb(PHOTOS, name, 0.0, 0) is PHOTOS


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_noise(name):
    assert not np.array_equal(perturb(PHOTOS, name, 0.3, 0), perturb(PHOTOS, name, 0.3, 1))


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_perturbed_the_same_with_fewer_images_behind_it(name):
    assert np.array_equal(perturb(PHOTOS, name, 0.3, 5)[:2], perturb(PHOTOS[:2], name, 0.3, 5))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("level", [0.05, 0.1])
def test_gaussian_noise_has_its_mean_and_deviation(level, seed):
    """Where nothing is clipped: at 0.5 that is beyond five deviations."""
    noise = perturb(GREY, "gaussian", level, seed) - 0.5
    # Six standard errors: of the mean s / sqrt(n), of the deviation s / sqrt(2 n), with n = 40,960.
    assert abs(noise.mean()) < 6 * level / 40_960**0.5
    assert abs(noise.std() - level) < 6 * level / (2 * 40_960) ** 0.5
    within = [(np.abs(noise) < times * level).mean() for times in (1, 2)]
    assert within == pytest.approx([0.6827, 0.9545], abs=0.015)


def test_gaussian_noise_is_clipped():
    changed = perturb(np.zeros_like(GREY), "gaussian", 0.3, 0)
    assert (changed == 0.0).mean() == pytest.approx(0.5, abs=0.015)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("level", [*LEVELS, 1.0])
def test_salt_and_pepper_strike_their_share(level, seed):
    changed = perturb(GREY, "salt-and-pepper", level, seed)
    assert set(np.unique(changed).tolist()) <= {0.0, 0.5, 1.0}
    shares = [(changed == value).mean() for value in (0.0, 1.0)]
    assert shares == pytest.approx([level / 2, level / 2], abs=0.015)


def test_salt_and_pepper_flip_half_their_share_of_spikes():
    spikes = (np.random.default_rng(2).random((8, 10, 2, 16, 16)) < 0.1).astype(np.float32)
    changed = perturb(spikes, "salt-and-pepper", 0.4, 0)
    assert set(np.unique(changed).tolist()) == {0.0, 1.0}
    assert (changed != spikes).mean() == pytest.approx(0.2, abs=0.015)


def test_a_higher_level_strikes_the_same_pixels_and_more():
    struck = [perturb(GREY, "salt-and-pepper", level, 3) for level in LEVELS]
    for less, more in pairwise(struck):
        assert np.array_equal(more[less != 0.5], less[less != 0.5])
        assert (more != 0.5).sum() > (less != 0.5).sum()


@pytest.mark.parametrize("level", LEVELS)
def test_a_crop_keeps_a_window_in_its_place(level):
    images = PHOTOS + 0.0
    images[images == 0.0] = 0.5  # so that what is 0 afterwards is cropped
    changed = perturb(images, "crop", level, 0)
    tall, wide = round(16 * (1 - level) ** 0.5), round(12 * (1 - level) ** 0.5)
    for image, shown in zip(images, changed, strict=True):
        kept = shown != 0.0
        rows, columns = np.flatnonzero(kept.any((0, 2))), np.flatnonzero(kept.any((0, 1)))
        assert (len(rows), len(columns)) == (tall, wide)
        assert (np.ptp(rows), np.ptp(columns)) == (tall - 1, wide - 1)
        # all colours, all of the window, unchanged
        assert kept.sum() == 3 * tall * wide
        assert np.array_equal(shown[kept], image[kept])


@pytest.mark.parametrize("level", LEVELS)
def test_a_crop_loses_its_share_of_the_area(level):
    """The sides are rounded to pixels: of 32, by at most half of one, so that the area is off by at most 1/32."""
    assert (perturb(GREY, "crop", level, 0) == 0.0).mean() == pytest.approx(level, abs=1 / 32)


def test_a_crop_lies_anywhere():
    """Of 4,000 windows of 3 x 3 pixels in 4 x 4, each of the four places has 1,000, with a deviation of 27."""
    changed = perturb(np.ones((4000, 4, 4)), "crop", 7 / 16, 0)
    assert set(changed.sum((1, 2)).tolist()) == {9.0}
    tops, lefts = changed[:, 0].any(1), changed[:, :, 0].any(1)
    counts = [(tops == top).astype(int) @ (lefts == left) for top in (True, False) for left in (True, False)]
    assert counts == pytest.approx([1000] * 4, abs=165)


def test_a_crop_is_the_same_in_all_frames_of_a_recording():
    changed = perturb(np.ones((5, 7, 2, 16, 16), np.float32), "crop", 0.5, 0)
    assert np.array_equal(changed, np.broadcast_to(changed[:, :1, :1], changed.shape))
    assert len({entry.tobytes() for entry in changed}) > 1


def test_one_image():
    image = np.ones((16, 16))
    assert np.array_equal(perturb(image, "crop", 0.5, 4), perturb(image[None], "crop", 0.5, 4)[0])
    assert not perturb(image, "crop", 1.0, 4).any()


@pytest.mark.parametrize(
    ("images", "name", "level", "seed", "field"),
    [
        (PHOTOS, "blur", 0.1, 0, "perturbation"),
        (PHOTOS, "crop", -0.1, 0, "level"),
        (PHOTOS, "crop", 1.1, 0, "level"),
        (PHOTOS, "gaussian", float("nan"), 0, "level"),
        (PHOTOS, "gaussian", 0.1, -1, "seed"),
        (PHOTOS[0, 0, 0], "gaussian", 0.1, 0, "images"),
        ((PHOTOS * 255).astype(np.uint8), "gaussian", 0.1, 0, "images"),
        (PHOTOS * 255, "gaussian", 0.1, 0, "images"),
        (PHOTOS * np.nan, "gaussian", 0.1, 0, "images"),
    ],
)
def test_what_is_refused(images, name, level, seed, field):
    with pytest.raises(InputError) as caught:
        perturb(images, name, level, seed)
    assert caught.value.field == field and caught.value.remedy
