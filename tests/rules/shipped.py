"""The pack that is shipped, loaded once for all modules of these tests."""

from prerequis_rules.load import load_pack

PACK = load_pack()
