"""Task data, metrics and the training of pretrained encoders on tasks."""
