"""What all HMN Processes and ProcessModels share."""
