"""The wire contract of Prérequis, shared by agent, collector and terminal UI."""
