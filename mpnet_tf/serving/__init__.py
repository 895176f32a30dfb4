"""SavedModels and what they compute."""
