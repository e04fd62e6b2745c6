"""The learning engine as machine code: one rule, its engine and its layout become two functions.

The integers are those of :class:`hmn_lava.learning.connection.LearningConnection` with
:class:`hmn_lava.learning.rounding.ElementRounding`. ``form`` is what the text depends on, ``neurons`` and ``synapses``
write the functions ``follow`` and ``learn``, ``tables`` fills their tables.
"""
