"""The HMN paper's road map, P0 to P3: the commands behind ``docs/results.md``, their results, and the page."""
