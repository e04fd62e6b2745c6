"""Stand-in for the extension's neurocore models.

Run configurations import this file while Lava itself is being imported; so what needs more of Lava, ``NcProcessModel``
and ``NcLoihiProcessModel``, is made when it is first asked for.
"""

from typing import Any

from lava.magma.core.model.model import AbstractProcessModel


class AbstractNcProcessModel(AbstractProcessModel):
    """Base of neurocore models."""


def __getattr__(name: str) -> Any:
    if name not in ("NcProcessModel", "NcLoihiProcessModel"):
        raise AttributeError(name)
    import extension_model

    return getattr(extension_model, name)
