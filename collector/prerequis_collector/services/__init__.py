"""What the collector decides."""
