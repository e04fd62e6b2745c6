"""Stand-in for the extension's models in C on the embedded processor."""

from lava.magma.core.model.model import AbstractProcessModel


class AbstractCProcessModel(AbstractProcessModel):
    """Base of models in C."""


class CLoihiProcessModel(AbstractCProcessModel):
    """A model in C that follows Loihi's phases; ``source_file_name`` names its file."""

    source_file_name: str = ""
