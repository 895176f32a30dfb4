"""Pretraining of text encoders in TensorFlow and Keras."""
