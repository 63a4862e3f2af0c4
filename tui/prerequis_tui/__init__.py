"""The terminal UI and the headless commands of those who decide; talks gRPC only."""
