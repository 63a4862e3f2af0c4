"""The agent: observes one machine and hands in what it saw."""
