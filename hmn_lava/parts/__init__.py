"""Components of an HMN network one by one, for networks of the user's own: from real numbers to a part.

Each module makes one component: a :class:`hmn_lava.partition.Part`, lowered by the compiler as in any network, and its
equations in floating point. No Lava here; ``processes/`` makes Lava Processes of them.
"""
