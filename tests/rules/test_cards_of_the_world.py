"""The list of cards against several thousand answers to reset that people sent to pcsc-tools."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prerequis_rules.derive import card_of
from prerequis_rules.pack import Pack

# Debian's package pcsc-tools; GPL, so it is read where it lies and never copied.
LIST = Path("/usr/share/pcsc/smartcard_list.txt")
CPX = re.compile(r"\bCPS\b.*(?:Sant|Vitale)|Vitale.*\bCPS\b|CPS v3", re.IGNORECASE)
VITALE = re.compile(r"vitale|vitate|health ?care card", re.IGNORECASE)

needs_the_list = pytest.mark.skipif(not LIST.exists(), reason="the package pcsc-tools, with its list, is not installed")


def entries() -> Iterator[tuple[str, str]]:
    """Give each pattern of the list with what it says; a line that begins with a tab speaks of the pattern above."""
    for block in re.split(r"\n\s*\n", LIST.read_text(encoding="utf-8")):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        patterns = [line for line in lines if re.match(r"3[BF]", line)]
        told = " ".join(line.strip() for line in lines if line.startswith("\t"))
        yield from ((pattern.replace(" ", ""), told) for pattern in patterns)


def examples(pattern: str) -> Iterator[bytes]:
    """Give answers to reset that a pattern means: its dots and choices at both ends."""
    for dot, choice in ((r"0", r"\1"), (r"F", r"\2")):
        chosen = re.sub(r"\[(\w)[^\]]*?(\w)\]", choice, pattern.replace(".", dot))
        if re.fullmatch(r"(?:[0-9A-F]{2})+", chosen):
            yield bytes.fromhex(chosen)


@needs_the_list
def test_no_card_of_the_list_is_wrongly_a_cpx_or_a_carte_vitale(shipped: Pack) -> None:
    seen, wrong, cpx, vitale = 0, [], set(), set()
    for pattern, told in entries():
        for atr in examples(pattern):
            seen += 1
            card = card_of(atr, shipped.knowledge)
            is_cpx = card.is_cpx or card.kind == "cpx-probable"
            if is_cpx:
                cpx.add(pattern)
            if card.kind == "vitale":
                vitale.add(pattern)
            if is_cpx and not CPX.search(told):
                wrong.append((card.kind, pattern, told))
            if card.kind == "vitale" and not VITALE.search(told):
                wrong.append((card.kind, pattern, told))
    assert seen > 4000
    assert wrong == []
    assert len(cpx) >= 3
    assert len(vitale) >= 8


@needs_the_list
def test_a_card_of_the_list_that_is_called_a_carte_vitale_or_a_cps_is_one(shipped: Pack) -> None:
    missed = []
    for pattern, told in entries():
        cards = [card_of(atr, shipped.knowledge) for atr in examples(pattern)]
        if CPX.search(told):
            missed += [(pattern, told) for card in cards if not card.is_cpx]
        elif re.search(r"\bvitale\b", told, re.IGNORECASE):
            missed += [(pattern, told) for card in cards if card.kind != "vitale"]
    assert missed == []


@needs_the_list
def test_what_is_called_a_bank_card_is_one_but_for_a_few(shipped: Pack) -> None:
    told = [
        words
        for pattern, words in entries()
        for atr in examples(pattern)
        if "bancaire" in card_of(atr, shipped.knowledge).name
    ]
    money = re.compile(r"bank|banque|CB|visa|master|EMV|crédit|restaurant", re.IGNORECASE)
    assert len(told) >= 80
    assert sum(not money.search(words) for words in told) <= len(told) / 10
