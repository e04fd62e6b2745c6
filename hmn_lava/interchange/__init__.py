"""Networks of other tools, in and out. What is read becomes a spec; see ``docs/interchange.md``."""
