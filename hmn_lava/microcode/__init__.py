"""The neurocore microcode: instructions, builder, text form, verifier, interval analysis and golden interpreter."""
