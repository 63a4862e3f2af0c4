"""What only Windows has: the registry, CIM and a few calls of its API. `host.py` alone imports the live parts."""
