"""The pack that is shipped, loaded once in each process that runs tests."""

from functools import cache

from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack


@cache
def shipped_pack() -> Pack:
    return load_pack()
