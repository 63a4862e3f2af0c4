"""The agent: observes one machine and hands in what it saw."""

__version__ = "0.1.0"
"""As in pyproject.toml; written here too, because asking the installation would take as long as starting Python."""
