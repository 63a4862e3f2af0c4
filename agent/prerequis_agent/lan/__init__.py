"""The local network: what any account may see of it, and what a person may have heard on the wire."""
