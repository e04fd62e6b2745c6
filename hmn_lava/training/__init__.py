"""Multi-plasticity training (MPSL): three mechanisms train one spiking network, whose weights are merged and deployed.

Source: Multi-Plasticity Synergy with Adaptive Mechanism Assignment for Training Spiking Neural Networks,
arXiv:2508.13673. Needs PyTorch, which is imported by the modules that compute with it, and not before.
"""

from __future__ import annotations

from importlib.util import find_spec

from hmn_lava.errors import BackendError


def require_torch() -> None:
    """Raise BackendError where PyTorch or what stores its tensors is not installed."""
    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if missing:
        told = f"training needs {' and '.join(missing)}, which this Python does not have"
        raise BackendError(f"{told}\n  remedy: pip install 'hmn-lava[training]'")
