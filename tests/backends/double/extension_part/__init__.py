"""What runs in place of an HMN component's neurocore model: the component's own fixed-point CPU model."""
