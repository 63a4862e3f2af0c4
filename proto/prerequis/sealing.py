"""How the bytes of a bundle are closed for its collector: zlib, then age (X25519, ChaCha20-Poly1305).

pyrage is loaded only where a bundle is made or opened.
"""

import zlib

MOST_SEALED_BYTES = 32 * 1024 * 1024
"""A larger file is not read."""

MOST_BYTES = 64 * 1024 * 1024
"""What a bundle may hold once decompressed; a larger one is given up before it is."""


class NotSealed(ValueError):
    """The bytes are no bundle for this collector, or were changed on their way."""


def new_identity() -> str:
    """Return a new private key, as age writes it (AGE-SECRET-KEY-…)."""
    from pyrage import x25519  # type: ignore[import-untyped]  # a compiled module without stubs

    return str(x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """Return the public key of a private one, as age writes it (age1…); raises NotSealed."""
    import pyrage

    try:
        return str(pyrage.x25519.Identity.from_str(identity).to_public())
    except pyrage.IdentityError as error:
        raise NotSealed("this is no private key of age") from error


def seal(content: bytes, recipient: str) -> bytes:
    """Return the bytes as only the holder of the recipient's private key reads them; raises NotSealed."""
    import pyrage

    try:
        to = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise NotSealed("this is no recipient of age") from error
    sealed: bytes = pyrage.encrypt(zlib.compress(content), [to])
    return sealed


def unseal(sealed: bytes, identity: str) -> bytes:
    """Return what was sealed for this identity; raises NotSealed, however the bytes are wrong."""
    import pyrage

    if len(sealed) > MOST_SEALED_BYTES:
        raise NotSealed("too large")
    try:
        compressed = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)])
        opened = zlib.decompressobj()
        content = opened.decompress(compressed, MOST_BYTES)
    except (pyrage.DecryptError, pyrage.IdentityError, zlib.error) as error:
        raise NotSealed("not for this collector, or changed on its way") from error
    if not opened.eof or opened.unused_data:
        raise NotSealed("too large once decompressed, or cut")
    return content
