"""Hardware profiles: what is known, and what is assumed, of each chip.

``load_profile("loihi2")`` reads one of the profiles beside this file; ``load_profile("my_board.yaml")`` reads your own.
"""

from hmn_lava.hardware_profiles.load import load_profile, profile_names
from hmn_lava.hardware_profiles.schema import Entry, Estimate, Learning, Microcode, Profile

__all__ = ["Entry", "Estimate", "Learning", "Microcode", "Profile", "load_profile", "profile_names"]
