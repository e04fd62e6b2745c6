"""Lowering to ``plasticity: engine``: synapses in the on-chip learning engine, everything else microcoded as before.

A step of the model takes a frame of steps of the chip, and a frame two epochs of the learning engine. In the trace
epoch activities arrive and the tags take up their coincidences; in the weight epoch the third factor, which the
neuron's microcode supplies as y traces, turns the tags into changes of the weights. So everything that a synapse
multiplies is of one step of the model, and a weight has changed before the next one.
"""
