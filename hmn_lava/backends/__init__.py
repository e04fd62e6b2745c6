"""Backends that run outside of this process."""
