"""A language model of the Trans-HMN paper: a frozen Transformer on the host, and HMN adapters that learn on the chip.

``encoder`` and ``frozen`` are what the host computes, ``adapters`` what is compiled, ``reader`` brings both together
token by token, ``modulators`` says what an answer teaches. ``fitting`` makes a spec, ``evaluation`` and ``cost``
measure.
"""
