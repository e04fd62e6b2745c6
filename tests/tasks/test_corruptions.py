"""The fifteen corruptions: what each does to an image, shape, range, and that the seed alone decides."""

import numpy as np
import pytest

import hmn_lava as hl
from hmn_lava.tasks import corruptions
from hmn_lava.tasks.corruptions import CORRUPTIONS, corrupt

ndimage = pytest.importorskip("scipy.ndimage")

PUBLISHED = (
    "shot_noise impulse_noise glass_blur motion_blur shear scale rotate brightness translate stripe fog spatter "
    "dotted_line zigzag canny_edges"
)
"""The corruptions of MNIST-C in the paper's order."""


def disc() -> np.ndarray:
    """A bright ring with a spur, of no symmetry, on a dark ground."""
    y, x = np.indices((28, 28)) - 13.5
    ring = np.abs(np.hypot(y, x) - 6.0) < 1.5
    return np.where(ring | ((np.abs(y - 2) < 1.5) & (x > 0) & (x < 9)), 0.9, 0.0)


IMAGES = np.stack([disc()] * 12)


def changed(name, seed=0, images=IMAGES):
    return corrupt(images, name, seed)


def middle(images):
    """Centre of brightness of each image, (n, 2)."""
    y, x = np.indices(images.shape[1:])
    return np.stack([(images * axis).sum((1, 2)) / images.sum((1, 2)) for axis in (y, x)], 1)


def spread(images):
    """Covariance of the brightness of each image around its middle: (n, 2, 2)."""
    place = np.indices(images.shape[1:])[None] - middle(images)[:, :, None, None]
    total = images.sum((1, 2))[:, None, None]
    return np.einsum("nayx,nbyx,nyx->nab", place, place, images) / total


def test_they_are_those_of_the_paper():
    assert list(CORRUPTIONS) == PUBLISHED.split()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_changes_the_image_and_keeps_shape_and_range(name):
    got = changed(name)
    assert got.shape == IMAGES.shape
    assert got.dtype == np.float64
    assert 0.0 <= got.min() < got.max() <= 1.0
    assert np.all(np.abs(got - IMAGES).mean((1, 2)) > 0.005)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_seed_and_the_place_alone_decide(name):
    got = changed(name)
    assert np.array_equal(got[:3], changed(name, images=IMAGES[:3]))
    if name not in ("brightness", "stripe", "canny_edges"):  # nothing is random about these
        assert not np.array_equal(got, changed(name, seed=1))
        assert not np.array_equal(got[0], got[1])
    assert np.array_equal(IMAGES[0], disc())  # what is given stays


def test_identity_changes_nothing():
    assert np.array_equal(changed("identity"), IMAGES)


def test_an_unknown_corruption_is_named():
    with pytest.raises(hl.InputError, match="canny_edges") as error:
        changed("rain")
    assert error.value.field == "corruption"


def test_without_scipy_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(corruptions, "ndimage", None)
    with pytest.raises(hl.BackendError, match=r'pip install "hmn-lava\[tasks\]"'):
        changed("fog")


# what each does


def test_shot_noise_counts_photons():
    """Multiples of a quarter; the mean stays but for what is cut at 1, dark stays dark; the variance is x / 4."""
    grey = changed("shot_noise", images=np.full((50, 28, 28), 0.25))
    assert set(np.unique(grey)) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    poisson = np.exp(-1.0) * np.array([1.0, 1.0, 1 / 2, 1 / 6])
    assert grey.mean() == pytest.approx(np.dot([0, 1, 2, 3], poisson) / 4 + (1 - poisson.sum()), abs=0.005)
    assert changed("shot_noise")[IMAGES == 0].max() == 0.0


def test_impulse_noise_strikes_a_fifth_with_salt_and_pepper():
    grey = changed("impulse_noise", images=np.full((50, 28, 28), 0.5))
    assert [np.mean(grey == value) for value in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 0.8, 0.1], abs=0.01)


def test_glass_blur_moves_pixels_no_further_than_they_may():
    dot = np.zeros((30, 28, 28))
    dot[:, 14, 14] = 1.0
    got = changed("glass_blur", images=dot)
    assert got.sum((1, 2)) == pytest.approx(np.ones(30))
    assert got.max() < 0.5
    assert np.std(middle(got), 0).min() > 0.1  # it is torn apart, not only blurred
    assert np.abs(middle(got) - 14).max() < 2.0


def test_motion_blur_smears_along_a_line():
    dot = np.zeros((30, 28, 28))
    dot[:, 14, 14] = 1.0
    got = changed("motion_blur", images=dot)
    assert got.sum((1, 2)) == pytest.approx(np.ones(30))
    assert middle(got) == pytest.approx(np.full((30, 2), 14.0), abs=1e-6)
    widths = np.linalg.eigvalsh(spread(got))
    assert np.all(widths[:, 1] > 8 * widths[:, 0])
    assert np.all(spread(got)[:, 1, 1] > 0.9 * spread(got)[:, 0, 0])  # at most 45 degrees from the horizontal


def test_shear_keeps_rows_and_slants_columns():
    bar = np.zeros((40, 28, 28))
    bar[:, 6:22, 13:15] = 1.0
    got = changed("shear", images=bar)
    covariance = spread(got)
    slant = covariance[:, 0, 1] / covariance[:, 0, 0]
    assert np.all((np.abs(slant) > 0.28) & (np.abs(slant) < 0.62))
    assert {-1.0, 1.0} == set(np.sign(slant))
    assert got.sum(2) == pytest.approx(bar.sum(2), abs=1e-9)


def test_scale_makes_it_smaller_around_the_centre():
    ratio = np.sqrt(np.trace(spread(changed("scale")), axis1=1, axis2=2) / np.trace(spread(IMAGES)[0]))
    assert np.all((ratio > 0.45) & (ratio < 0.75))
    expected = 13.5 + ratio[:, None] * (middle(IMAGES) - 13.5)
    assert middle(changed("scale")) == pytest.approx(expected, abs=0.3)


def test_rotate_turns_by_25_to_45_degrees_to_either_side():
    bar = np.zeros((40, 28, 28))
    bar[:, 6:22, 13:15] = 1.0
    covariance = spread(changed("rotate", images=bar))
    axis = np.linalg.eigh(covariance)[1][:, :, 1]
    angle = np.rad2deg(np.arctan(axis[:, 1] / axis[:, 0]))
    assert np.all((np.abs(angle) > 24) & (np.abs(angle) < 46))
    assert {-1.0, 1.0} == set(np.sign(angle))


def test_translate_moves_by_2_to_4_pixels_along_each_axis():
    moved = np.abs(middle(changed("translate")) - middle(IMAGES))
    assert np.all((moved > 1.9) & (moved < 4.1))


def test_brightness_adds_everywhere():
    assert changed("brightness") == pytest.approx(np.minimum(IMAGES + 0.4, 1.0))


def test_stripe_inverts_the_middle_columns():
    got = changed("stripe")
    assert np.array_equal(got[:, :, 10:18], 1.0 - IMAGES[:, :, 10:18])
    assert np.array_equal(np.delete(got, range(10, 18), 2), np.delete(IMAGES, range(10, 18), 2))


def test_fog_is_smooth_and_lifts_the_dark():
    """A fractal: neighbours are alike, far pixels are not; the image shows through with weight 1 / 1.8."""
    fog = changed("fog", images=np.zeros((30, 28, 28)))
    assert fog.max() == pytest.approx(0.8 / 1.8, abs=0.02)
    near = np.abs(fog[:, :, 1:] - fog[:, :, :-1]).mean()
    far = np.abs(fog[:, :, 12:] - fog[:, :, :-12]).mean()
    assert near < 0.5 * far
    assert changed("fog") - changed("fog", images=0.0 * IMAGES) == pytest.approx(IMAGES / 1.8)


def test_spatter_covers_an_eighth_with_splotches():
    got = changed("spatter", images=np.zeros((30, 28, 28)))
    assert set(np.unique(got)) == {0.0, 0.7}
    assert (got > 0).mean() == pytest.approx(0.12, abs=0.01)
    pieces = np.mean([ndimage.label(image > 0)[1] for image in got])
    assert 2 <= pieces <= 0.12 * 784 / 3  # connected, at least three pixels each on the mean


@pytest.mark.parametrize("name", ["dotted_line", "zigzag"])
def test_lines_are_laid_over_the_image(name):
    drawn = changed(name, images=0.0 * IMAGES)
    assert changed(name) == pytest.approx(np.maximum(IMAGES, drawn))
    covariance = spread(drawn)
    widths = np.sqrt(np.linalg.eigvalsh(covariance))
    assert np.all(widths[:, 1] > 6)  # from border to border
    assert np.all(widths[:, 0] < (1.0 if name == "dotted_line" else 3.5))
    axis = np.linalg.eigh(covariance)[1][:, :, 1]
    assert np.ptp(np.arctan(axis[:, 1] / axis[:, 0])) > 1.0  # of many directions


def test_the_dots_are_apart_and_the_zigzag_is_not_straight():
    dots = [ndimage.label(image > 0.3)[1] for image in changed("dotted_line", images=0.0 * IMAGES)]
    assert np.mean(dots) > 5
    assert np.sqrt(np.linalg.eigvalsh(spread(changed("zigzag", images=0.0 * IMAGES)))[:, 0]).min() > 1.0


def test_canny_edges_finds_both_sides_of_a_step_and_nothing_in_the_flat():
    step = np.zeros((1, 28, 28))
    step[:, :, 10:20] = 0.8
    got = changed("canny_edges", images=step)[0]
    assert set(np.unique(got)) == {0.0, 1.0}
    inner = got[4:-4]
    assert np.array_equal(np.flatnonzero(inner.all(0)), np.flatnonzero(inner.any(0)))  # straight, unbroken
    columns = np.flatnonzero(inner[0])
    assert len(columns) == 2
    assert np.abs(columns - [9.5, 19.5]).max() <= 1
    assert not changed("canny_edges", images=np.full((1, 28, 28), 0.5))[0, 4:-4, 4:-4].any()
