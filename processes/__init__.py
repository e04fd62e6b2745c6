"""HMN components as Lava Processes; Lava 0.10 and Python 3.10 alone. Import each from its own folder.

Lava looks for the ProcessModels of a Process by executing every file beside it under its bare name. So there is one
folder for each component, all imports are absolute, and nothing happens at import.
"""
