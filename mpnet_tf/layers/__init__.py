"""Keras layers, written in `keras.ops` alone."""
