"""Asking the hosts that a site needs: by TLS, by plain HTTP for revocation, directly or through the system's proxy."""
