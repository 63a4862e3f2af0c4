"""What the collector keeps; SQL is spoken here and nowhere else."""
