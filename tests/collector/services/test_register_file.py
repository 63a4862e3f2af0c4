"""The register as a file: what spreadsheets and the public extract write is read as it was meant, or refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.register_file import HEADINGS, Line, read_register, write_register

_TABLE = """\
FINESS;Nom;Organisme;Postes;Échéance
330000019;Les Tilleuls;330000100;1 200;31/12/2026
2a0000019;"L'Été ; annexe";;;2027-01-31
"""
# The first line and a line of the extract of 2026-05-12, verbatim but for the number of the second line.
_EXTRACT = """\
finess;etalab;111;2026-05-12
structureet;970302287;970302022;E.H.P.A.D. EDMAR LAMA DE CAYENNE;E.H.P.A.D. DU CENTRE HOSPITALIER DE CAYENNE;;;;AV;\
ALEXIS BLAISE;;BP 6006;302;9C;GUYANE;97306 CAYENNE CEDEX;0594395050;0594305150;500;Etablissement d'hébergement pour \
personnes âgées dépendantes;4401;Etablissements d'Hébergement pour Personnes Âgées;;8710A;40;ARS/PCD, Tarif global, \
habilité aide sociale, recours PUI;;;1988-05-02;2017-01-03;2024-04-22;
structureet;330000019;330000100;LES TILLEULS;;;;;;;;;063;33;GIRONDE;33000 BORDEAUX;;;183;IME;4101;;;;;;;;;;;
geolocalisation;970302287;354000;545000;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.1,LAMBERT_93;2024-01-01
"""


def test_a_table_says_of_each_site_what_its_columns_say() -> None:
    tilleuls, ete = read_register(_TABLE.encode()).lines
    assert tilleuls == Line(
        2,
        {
            "finess": "330000019",
            "name": "Les Tilleuls",
            "organisation": "330000100",
            "workstations": 1200,
            "deadline": date(2026, 12, 31),
        },
    )
    assert ete.values == {
        "finess": "2A0000019",
        "name": "L'Été ; annexe",
        "organisation": "",
        "workstations": None,
        "deadline": date(2027, 1, 31),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_however_a_spreadsheet_writes_it_a_file_says_the_same(encoding: str, separator: str, end: str) -> None:
    text = _TABLE.replace(";", separator).replace("\n", end)
    told = read_register(text.encode(encoding)).lines
    assert [line.values["name"] for line in told] == ["Les Tilleuls", f"L'Été {separator} annexe".strip()]
    assert [line.number for line in told] == [2, 3]


@pytest.mark.parametrize("heading", ["Utilisateurs simultanés", "UTILISATEURS_SIMULTANES", "simultaneous-users"])
def test_case_accents_and_punctuation_of_a_heading_do_not_matter(heading: str) -> None:
    (line,) = read_register(f"Finess;{heading}\n330000019;7\n".encode()).lines
    assert line.values["simultaneous_users"] == 7


def test_a_column_that_is_none_of_the_registers_is_told_of() -> None:
    found = read_register(b"finess;adresse;postes;\n330000019;rue;3;\n")
    assert found.ignored == ["adresse"]
    assert found.lines == [Line(2, {"finess": "330000019", "workstations": 3})]


def test_a_line_keeps_its_number_after_empty_ones_and_cells_of_several_lines() -> None:
    found = read_register(b'finess;nom\n\n;\n330000019;"Les\nTilleuls"\n330000027;Le Verger\n')
    assert [(line.number, line.finess) for line in found.lines] == [(4, "330000019"), (6, "330000027")]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_of_the_public_extract_the_sites_of_one_organisation_are_taken(encoding: str) -> None:
    (line,) = read_register(_EXTRACT.encode(encoding), "970302022").lines
    assert line.values == {
        "finess": "970302287",
        "organisation": "970302022",
        "name": "E.H.P.A.D. DU CENTRE HOSPITALIER DE CAYENNE",
    }
    (line,) = read_register(_EXTRACT.encode(encoding), "330000100").lines
    assert line.values["name"] == "LES TILLEULS"


@pytest.mark.parametrize("content", [_EXTRACT, _EXTRACT.partition("\n")[2]])
def test_the_public_extract_is_never_taken_whole(content: str) -> None:
    with pytest.raises(InvalidInput, match="--organisation"):
        read_register(content.encode())


def test_of_a_table_too_the_sites_of_one_organisation_are_taken() -> None:
    assert [line.finess for line in read_register(_TABLE.encode(), "330000100").lines] == ["330000019"]
    with pytest.raises(InvalidInput, match="« organisme »"):
        read_register(b"finess;nom\n330000019;Les Tilleuls\n", "330000100")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "vide"),
        (b"\xef\xbb\xbf\r\n;;\r\n", "vide"),
        (b"finess;nom\n", "aucun site"),
        (b"330000019;Les Tilleuls\n", "doit nommer les colonnes"),
        (b"finess;nom;NOM\n330000019;a;b\n", "« nom » est là deux fois"),
        (b"PK\x03\x04rest of a workbook", "« CSV UTF-8 »"),
        (b"finess\0;nom\n", "pas du texte"),
        (b'finess;nom\n330000019;"Les\n', "Ligne 2 : les guillemets"),
        (b"finess;nom\n330000019\n", "Ligne 2 : 1 cellules, et 2 colonnes"),
        (b"finess;nom\n330000019;a;b\n", "Ligne 2 : 3 cellules, et 2 colonnes"),
        (b"finess;nom\n;Les Tilleuls\n", "Ligne 2 : «  » n'est pas un num"),
        (b"finess\n10000019\n", "Ligne 2 : « 10000019 » : le tableur"),
        (b"finess\n3,3E+08\n", "Ligne 2 : « 3,3E+08 » : le tableur"),
        (b"finess\n330000019\n330000019\n", "Ligne 3 : 330000019 est déjà à la ligne 2"),
        (b"finess;postes\n330000019;-1\n", "Ligne 2 : « -1 » n'est pas un nombre entier"),
        (b"finess;postes\n330000019;2,5\n", "Ligne 2 : « 2,5 » n'est pas un nombre entier"),
        (b"finess;echeance\n330000019;31/02/2027\n", "Ligne 2 : « 31/02/2027 » n'est pas un jour"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_register(content)
    assert told in str(refused.value)


def test_every_line_at_fault_is_told_the_first_twenty_by_name() -> None:
    lines = "".join(f"{number}\n" for number in range(25))
    with pytest.raises(InvalidInput) as refused:
        read_register(f"finess\n{lines}".encode())
    heading, *told, more = str(refused.value).splitlines()
    assert heading == "Aucun site n'a été inscrit ; corriger puis relancer :"
    assert [line.partition(" :")[0] for line in told] == [f"Ligne {number}" for number in range(2, 22)]
    assert more == "et 5 de plus."


_NAME = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "finess": st.from_regex(r"[0-9][0-9AB][0-9]{7}", fullmatch=True),
                "name": (_NAME | st.builds("{}{}".format, st.sampled_from(["=", "+", "-", "@", "'="]), _NAME))
                .map(str.strip)
                .filter(bool),
                "organisation": st.sampled_from(["", "330000100"]),
                "deadline": st.none() | st.dates(date(1000, 1, 1)),
                "lot": st.just(""),
                "profile": st.just(""),
                **{
                    field: st.none() | st.integers(0, 1_000_000)
                    for field in HEADINGS
                    if field not in ("finess", "name", "organisation", "deadline", "lot", "profile")
                },
            }
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda site: str(site["finess"]),
    )
)
def test_what_was_written_is_read_back(sites: list[dict[str, str | int | date | None]]) -> None:
    written = write_register(sites)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in written.replace("\r\n", ";").split(";"))
    assert [line.values for line in read_register(written.encode()).lines] == sites
