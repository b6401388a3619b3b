"""The project and its small kernel, which knows no app."""
