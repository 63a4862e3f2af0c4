"""What a site must have, as data, and the small engine that applies it."""
