"""One file per probe, found by walking this package; nothing else lives here."""
