"""Lava Processes and ProcessModels. None yet; nothing outside of this package may import Lava."""
