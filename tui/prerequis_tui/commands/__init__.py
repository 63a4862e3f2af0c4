"""One headless command per file, found by walking this package."""
