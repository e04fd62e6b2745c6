"""Measurements of hmn-lava beside other tools on the same work: ``python -m benchmarks --help``, README.md here."""
