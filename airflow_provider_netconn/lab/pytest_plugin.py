"""Fixtures for pytest (placeholder until the composition stands)."""
