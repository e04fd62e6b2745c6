"""Results as a picture: one panel for each case, one bar for each contestant on each work."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import CaseResult, Results

INCHES_PER_BAR = 0.24


def draw(results: Results, stem: Path) -> list[Path]:
    """Write ``stem``.png and .svg; nothing where no case has a rate."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cases = [case for case in results.cases if any(entry.rate is not None for entry in case.entries)]
    if not cases:
        return []
    bars = [sum(entry.rate is not None for entry in case.entries) + len(case.works) for case in cases]
    figure, axes = plt.subplots(
        len(cases), 1, figsize=(9, 1.2 * len(cases) + INCHES_PER_BAR * sum(bars)), squeeze=False,
        gridspec_kw={"height_ratios": bars}, layout="constrained",
    )  # fmt: skip
    for axis, case in zip(axes[:, 0], cases, strict=True):
        _panel(axis, case)
    paths = [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=120)
    plt.close(figure)
    return paths


def _panel(axis: object, case: CaseResult) -> None:
    labels, rates, colours, places = [], [], [], []
    place = 0.0
    for work in case.works:
        axis.text(0.005, place, work, transform=axis.get_yaxis_transform(), va="center", fontsize=8, weight="bold")  # type: ignore[attr-defined]
        place += 1
        for entry in (e for e in case.entries if e.work == work and e.rate is not None):
            labels.append(entry.contestant)
            rates.append(entry.rate)
            colours.append("tab:blue" if entry.ours else "0.7")
            places.append(place)
            place += 1
    axis.barh(places, rates, color=colours)  # type: ignore[attr-defined]
    axis.set(  # type: ignore[attr-defined]
        xscale="log", yticks=places, yticklabels=labels, xlabel=f"{case.entries[0].unit} per second", title=case.name
    )
    axis.tick_params(axis="y", labelsize=7)  # type: ignore[attr-defined]
    axis.invert_yaxis()  # type: ignore[attr-defined]
