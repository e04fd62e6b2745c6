"""Hardware profiles: what is known, and what is assumed, of each chip.

``load_profile("loihi2")`` reads one of the profiles beside this file; ``load_profile("my_board.yaml")`` reads yours.
Yours may give only what differs from another, which it ``extends``.
"""

from hmn_lava.hardware_profiles.costs import EnergyTable, Estimate, TimeTable
from hmn_lava.hardware_profiles.difference import Difference, differences
from hmn_lava.hardware_profiles.entries import Entry
from hmn_lava.hardware_profiles.load import load_profile
from hmn_lava.hardware_profiles.read import profile_names
from hmn_lava.hardware_profiles.schema import Profile
from hmn_lava.hardware_profiles.sections import Core, Learning, Lif, Microcode, System

__all__ = [
    "Core",
    "Difference",
    "EnergyTable",
    "Entry",
    "Estimate",
    "Learning",
    "Lif",
    "Microcode",
    "Profile",
    "System",
    "TimeTable",
    "differences",
    "load_profile",
    "profile_names",
]
