"""The register as a file: a spreadsheet's CSV with a heading for each column, or the public extract of FINESS.

The extract (data.gouv.fr, "etalab-cs1100502") has no headings: a first line of metadata, then lines that begin with
`structureet`; of its 32 fields those at 1, 2, 3 and 4 are the establishment, who runs it, its name and its long name.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import NamedTuple

from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.register import check_finess

LARGEST_FILE_BYTES = 100_000_000
"""Three times the extract of the whole country."""

HEADINGS: Mapping[str, str] = {
    "finess": "finess",
    "name": "nom",
    "organisation": "organisme",
    "professionals": "professionnels",
    "simultaneous_users": "utilisateurs simultanés",
    "secretariats": "secrétariats",
    "workstations": "postes",
    "active_records": "file active",
    "deadline": "échéance",
    "lot": "lot",
    "profile": "profil",
}
"""The column of each field of a site; case, accents and punctuation do not matter, and the field's own name will do."""

Value = str | int | date | None

_TEXTS = frozenset({"name", "lot", "profile"})
_NUMBERS_OF_FINESS = frozenset({"finess", "organisation"})
_EXTRACT, _METADATA = "structureet", re.compile("etalab|finess-plus")
_EXTRACT_FIELDS = 5
_SEPARATORS = ";,\t"
_FORMULA = ("=", "+", "-", "@")
_MOST_TOLD = 20


class Line(NamedTuple):
    """What one line says of one site; a field that has no column is not there."""

    number: int
    """Of the line in the file, from 1."""
    values: Mapping[str, Value]

    @property
    def finess(self) -> str:
        """Return the site's number."""
        return str(self.values["finess"])


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """The sites of a file, each once."""

    lines: Sequence[Line]
    ignored: Sequence[str] = ()
    """Headings of columns that say nothing of what a register keeps."""


def read_register(content: bytes, organisation: str = "") -> RegisterFile:
    """Return the sites of a file, or those that this organisation runs; raises InvalidInput with every line at fault.

    The public extract is of the whole country: of it an organisation must be asked for.
    """
    rows = _rows(_text(content))
    first = next(rows, None)
    if first is None:
        raise InvalidInput("Ce fichier est vide.")
    _, cells = first
    if cells[0] == _EXTRACT or _METADATA.fullmatch(cells[1] if len(cells) > 1 else ""):
        return _of_extract(chain([first], rows), organisation)
    return _of_table(cells, rows, organisation)


def refuse(faults: Sequence[str]) -> None:
    """Return when there is no fault; raises InvalidInput with the first ones."""
    if faults:
        more = len(faults) - _MOST_TOLD
        told = [*faults[:_MOST_TOLD], *([f"et {more} de plus."] if more > 0 else [])]
        raise InvalidInput("\n".join(["Aucun site n'a été inscrit ; corriger puis relancer :", *told]))


def write_register(sites: Sequence[Mapping[str, Value]]) -> str:
    """Return the file that a French spreadsheet opens and `read_register` reads back."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS.values())
    writer.writerows([_cell(site[field]) for field in HEADINGS] for site in sites)
    return "\N{BYTE ORDER MARK}" + text.getvalue()


def _cell(value: Value) -> str:
    text = "" if value is None else f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)
    # A spreadsheet would compute it.
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_FORMULA)


def _text(content: bytes) -> str:
    """Return what the bytes say: Unicode where they are, else what French Windows writes; raises InvalidInput."""
    if len(content) > LARGEST_FILE_BYTES:
        raise InvalidInput("Ce fichier est trop gros pour un registre de sites.")
    if content.startswith(b"PK\x03\x04"):
        raise InvalidInput("C'est un classeur, pas un CSV : l'enregistrer au format « CSV UTF-8 » depuis le tableur.")
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InvalidInput("Ce fichier n'est pas du texte : l'enregistrer au format « CSV UTF-8 » depuis le tableur.")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, each with its number; raises InvalidInput where the quotes do not end."""
    heading = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error:
        raise InvalidInput(f"Ligne {number} : les guillemets ne vont pas par paires ; rien n'a été inscrit.") from None


def _of_extract(rows: Iterator[tuple[int, list[str]]], organisation: str) -> RegisterFile:
    if not organisation:
        raise InvalidInput(
            "C'est l'extrait public de FINESS, qui a tous les établissements du pays : dire lesquels prendre, avec "
            "--organisation et le FINESS juridique de l'organisme gestionnaire."
        )
    given = []
    for number, cells in rows:
        if cells[0] == _EXTRACT and len(cells) >= _EXTRACT_FIELDS and cells[2].upper() == organisation:
            given.append((number, {"finess": cells[1], "organisation": cells[2], "name": cells[4] or cells[3]}))
    return RegisterFile(_lines(given, organisation))


def _of_table(headings: Sequence[str], rows: Iterator[tuple[int, list[str]]], organisation: str) -> RegisterFile:
    fields = [_FIELDS.get(_key(heading)) for heading in headings]
    known = [field for field in fields if field is not None]
    if "finess" not in known:
        raise InvalidInput(
            "La première ligne doit nommer les colonnes, dont « finess » ; « prerequis-collector site list --csv » "
            "en montre un exemple."
        )
    if len(set(known)) < len(known):
        twice = next(field for field in known if known.count(field) > 1)
        raise InvalidInput(f"La colonne « {HEADINGS[twice]} » est là deux fois.")
    if organisation and "organisation" not in known:
        raise InvalidInput("Ce fichier n'a pas de colonne « organisme » : --organisation n'y peut rien choisir.")
    given, faults = [], []
    for number, cells in rows:
        if len(cells) < len(fields) or any(cells[len(fields) :]):
            faults.append(f"Ligne {number} : {len(cells)} cellules, et {len(fields)} colonnes nommées.")
        else:
            given.append(
                (number, {field: cell for field, cell in zip(fields, cells, strict=False) if field is not None})
            )
    ignored = [heading for heading, field in zip(headings, fields, strict=True) if field is None and heading]
    return RegisterFile(_lines(given, organisation, faults), ignored)


def _lines(
    given: Sequence[tuple[int, Mapping[str, str]]], organisation: str, faults: Sequence[str] = ()
) -> Sequence[Line]:
    """Return the lines with the values of their cells, those of this organisation only; raises InvalidInput."""
    lines: dict[str, Line] = {}
    faults = list(faults)
    for number, cells in given:
        values: dict[str, Value] = {}
        for field, cell in cells.items():
            try:
                values[field] = _value(field, cell)
            except InvalidInput as error:
                faults.append(f"Ligne {number} : {error}")
        line = Line(number, values)
        if "finess" not in values or (organisation and values.get("organisation") != organisation):
            continue
        if line.finess in lines:
            faults.append(f"Ligne {number} : {line.finess} est déjà à la ligne {lines[line.finess].number}.")
        lines.setdefault(line.finess, line)
    refuse(faults)
    if not lines:
        whose = f" de l'organisme {organisation}" if organisation else ""
        raise InvalidInput(f"Ce fichier n'a aucun site{whose}.")
    return list(lines.values())


def _value(field: str, cell: str) -> Value:
    """Return what a cell says; an empty one that nothing is known. Raises InvalidInput."""
    if field in _TEXTS:
        return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell
    packed = "".join(cell.split())
    if field in _NUMBERS_OF_FINESS:
        return check_finess(_whole(packed)) if packed or field == "finess" else ""
    if not packed:
        return None
    if field == "deadline":
        return _day(packed)
    if not packed.isascii() or not packed.isdigit() or len(packed) > 9:
        raise InvalidInput(f"« {cell} » n'est pas un nombre entier, dans la colonne « {HEADINGS[field]} ».")
    return int(packed)


def _whole(finess: str) -> str:
    """Return the number as it stands; raises InvalidInput where a spreadsheet took it for a quantity."""
    if (len(finess) == 8 and finess.isdigit()) or re.fullmatch(r"[0-9][,.]?[0-9]*[Ee]\+?[0-9]+", finess):
        raise InvalidInput(
            f"« {finess} » : le tableur a pris ce numéro FINESS pour un nombre et l'a abîmé ; remettre la colonne au "
            "format texte, avec ses neuf caractères."
        )
    return finess


def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise InvalidInput(f"« {text} » n'est pas un jour : écrire 31/12/2026 ou 2026-12-31.")


def _key(heading: str) -> str:
    plain = "".join(one for one in unicodedata.normalize("NFKD", heading) if not unicodedata.combining(one))
    return " ".join(re.findall(r"[a-z0-9]+", plain.casefold()))


_FIELDS = {_key(one): field for field, heading in HEADINGS.items() for one in (heading, field)}
