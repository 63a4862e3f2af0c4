"""Loading a rule pack: the one that comes with the program, and what an organisation lays over it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Generic, TypeVar

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.cache import Cache
from prerequis_rules.calendar import read_calendar
from prerequis_rules.knowledge import Knowledge, read_knowledge
from prerequis_rules.messages import read_message
from prerequis_rules.model import Article, Correspondence, Echo, Framework, Question, Requirement
from prerequis_rules.pack import DEFAULT_PROFILE, Pack, Programs
from prerequis_rules.positions import Position
from prerequis_rules.rule_file import Known, RuleFile, read_rule, read_source
from prerequis_rules.schema import Document, PackError, Problem, Table, read_document

Item = TypeVar("Item")

_FOLDERS = ("rules", "questions", "frameworks", "correspondences", "calendars", "profiles", "catalogue", "knowledge")


def load_pack(directory: Path | None = None, *, base: Traversable | None = None, cache: Path | None = None) -> Pack:
    """Return the compiled pack; raises PackError, which carries every fault of every file.

    `directory` holds an organisation's own files in the same layout, laid over those of the program; a file that takes
    the place of one with the same id says `overrides = true`. `base` replaces the files of the program. In the folder
    `cache` is kept what spares reading the same files again.
    """
    layers = [list(_files(base or resources.files("prerequis_rules")))]
    layers += [list(_own_files(directory))] if directory is not None else []
    digest = _digest(layers)
    kept = Cache.open(cache, digest)
    reading = _Reading(kept)
    for layer, files in enumerate(layers):
        for file, content in files:
            reading.add(layer, file, read_document(f"{directory}/{file}" if layer else file, content, kept))
    pack = reading.pack(digest)
    kept.keep()
    return pack


def _digest(layers: Iterable[Iterable[tuple[str, bytes]]]) -> str:
    digest = hashlib.sha256()
    for layer, files in enumerate(layers):
        for file, content in files:
            digest.update(f"{layer} {file} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def load_knowledge() -> Knowledge:
    """Return the program's dated knowledge alone, without its rules; raises PackError, which carries every fault."""
    documents = [
        read_document(file, content)
        for file, content in _walk(resources.files("prerequis_rules") / "knowledge", "knowledge")
    ]
    knowledge = read_knowledge(documents)
    problems = [problem for document in documents for problem in document.problems]
    if problems:
        raise PackError(tuple(sorted(problems)))
    return knowledge


def _files(source: Traversable) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of each TOML file of the pack's folders, in the order of the paths."""
    for folder in sorted(_FOLDERS):
        if (source / folder).is_dir():
            yield from _walk(source / folder, folder)


def _own_files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the same of an organisation's directory; raises PackError where a file would be passed over in silence."""
    if not directory.is_dir():
        raise PackError((Problem(str(directory), Position(1, 1), "ce n'est pas un dossier"),))
    astray = [
        Problem(str(file), Position(1, 1), f"ce fichier doit être dans l'un des dossiers {', '.join(_FOLDERS)}")
        for file in sorted(directory.rglob("*.toml"))
        if file.relative_to(directory).parts[0] not in _FOLDERS
    ]
    if astray:
        raise PackError(tuple(astray))
    yield from _files(directory)


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{path}/{entry.name}")
        elif entry.name.endswith(".toml"):
            yield f"{path}/{entry.name}", entry.read_bytes()


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Item]):
    layer: int
    document: Document
    item: Item


@dataclass(slots=True)
class _Reading:
    """The documents of each folder with their layer, and what is made of them."""

    cache: Cache
    documents: Mapping[str, list[tuple[int, Document]]] = field(
        default_factory=lambda: {folder: [] for folder in _FOLDERS}
    )

    def add(self, layer: int, file: str, document: Document) -> None:
        self.documents[file.partition("/")[0]].append((layer, document))

    def pack(self, digest: str) -> Pack:
        articles = self.collect("catalogue", _article)
        questions = self.collect("questions", _question)
        profiles = self.collect("profiles", _profile)
        known = Known(
            items=frozenset(articles),
            questions={identifier: kept.item.choices for identifier, kept in questions.items()},
            workstation_rules=frozenset(
                document.stem for _, document in self.documents["rules"] if document.data.get("scope") == "workstation"
            ),
            cache=self.cache,
        )
        rules = self.collect("rules", lambda document: read_rule(document, known))
        frameworks = self.collect("frameworks", _framework)
        correspondences = self.collect("correspondences", _correspondence)
        calendars = self.collect("calendars", read_calendar)
        knowledge = read_knowledge([document for _, document in self.documents["knowledge"]])
        _check_aliases(rules)
        _check_mapping(frameworks, rules, questions)
        _check_echoes(correspondences, _items(frameworks))
        problems = [
            problem for documents in self.documents.values() for _, one in documents for problem in one.problems
        ]
        if DEFAULT_PROFILE not in profiles:
            problems.append(Problem("profiles", Position(1, 1), f"il manque le profil « {DEFAULT_PROFILE} »"))
        if problems:
            raise PackError(tuple(sorted(problems)))
        return Pack(
            rules={identifier: kept.item.rule for identifier, kept in rules.items()},
            programs=_programs(rules),
            questions=_items(questions),
            frameworks=_items(frameworks),
            profiles=_items(profiles),
            catalogue=_items(articles),
            knowledge=knowledge,
            correspondences=_items(correspondences),
            calendars=_items(calendars),
            digest=digest,
        )

    def collect(self, folder: str, read: Callable[[Document], Item]) -> dict[str, _Kept[Item]]:
        """Return the folder's items by id, each from the topmost layer that has it."""
        found: dict[str, _Kept[Item]] = {}
        for layer, document in self.documents[folder]:
            kept = _Kept(layer, document, read(document))
            below = found.get(document.stem)
            overrides = document.data.get("overrides") is True
            if document.data.get("id") not in (None, document.stem):
                document.report(("id",), f"« id » doit être le nom du fichier, « {document.stem} »")
            if overrides and (below is None or below.layer == layer):
                document.report(("overrides",), f"il n'y a pas de « {document.stem} » à remplacer")
            elif below is not None and not overrides:
                document.report(("id",), f"« {document.stem} » existe déjà : {below.document.file}")
            found[document.stem] = kept
        return dict(sorted(found.items()))


def _items(kept: Mapping[str, _Kept[Item]]) -> dict[str, Item]:
    return {identifier: one.item for identifier, one in kept.items()}


def _programs(rules: Mapping[str, _Kept[RuleFile]]) -> dict[str, Programs]:
    compiled = {identifier: kept.item.programs for identifier, kept in rules.items()}
    return {identifier: programs for identifier, programs in compiled.items() if programs is not None}


def _article(document: Document) -> Article:
    root = document.root
    article = Article(id=root.text("id"), name=root.text("name"), family=root.text("family"))
    root.flag("overrides")
    root.close()
    return article


def _question(document: Document) -> Question:
    root = document.root
    question = Question(
        id=root.text("id"),
        text=root.text("text"),
        choices=root.texts("choices"),
        evidence=root.text("evidence"),
        valid_months=root.integer("valid_months", minimum=1),
        source=read_source(root),
    )
    if len(set(question.choices)) < max(2, len(question.choices)):
        root.report("choices", "il faut au moins deux choix, tous différents")
    root.flag("overrides")
    root.close()
    return question


def _profile(document: Document) -> Profile:
    root = document.root
    root.text("id")
    root.text("name")
    root.flag("overrides")
    profile = read_message(root, Profile(), besides=("overrides",))
    if profile.confirmed != profile.HasField("confirmed_on") or profile.confirmed != bool(profile.confirmed_by):
        root.report("confirmed", "« confirmed », « confirmed_by » et « confirmed_on » vont ensemble")
    return profile


def _framework(document: Document) -> Framework:
    root = document.root
    framework = Framework(
        id=root.text("id"),
        title=root.text("title"),
        attribution=root.text("attribution"),
        coverage_threshold=root.share("coverage_threshold"),
        requirements=tuple(_requirement(table) for table in root.tables("requirements")),
        urn=root.optional_text("urn"),
    )
    root.flag("overrides")
    root.close()
    return framework


def _requirement(table: Table) -> Requirement:
    requirement = Requirement(
        id=table.text("id"),
        title=table.text("title"),
        rules=table.texts("rules"),
        questions=table.texts("questions"),
        reinforced=table.optional_texts("reinforced"),
    )
    for rule in requirement.reinforced:
        if rule not in requirement.rules:
            table.report("reinforced", f"« {rule} » n'est pas dans « rules »")
    table.close()
    return requirement


def _correspondence(document: Document) -> Correspondence:
    root = document.root
    correspondence = Correspondence(
        id=root.text("id"),
        title=root.text("title"),
        attribution=root.text("attribution"),
        note=root.text("note"),
        urn=root.optional_text("urn"),
        requirements=tuple(_echo(table) for table in root.tables("requirements")),
    )
    root.flag("overrides")
    root.close()
    return correspondence


def _echo(table: Table) -> Echo:
    echo = Echo(id=table.text("id"), title=table.text("title"), requirements=table.texts("requirements"))
    table.close()
    return echo


def _check_aliases(rules: Mapping[str, _Kept[RuleFile]]) -> None:
    """Report an alias that is the id or an alias of another rule: ids are never used again."""
    owners = {identifier: identifier for identifier in rules}
    for identifier, kept in rules.items():
        for alias in kept.item.rule.aliases:
            owner = owners.setdefault(alias, identifier)
            if owner != identifier or alias == identifier:
                kept.document.report(("aliases",), f"« {alias} » est déjà le nom de la règle « {owner} »")


def _check_mapping(
    frameworks: Mapping[str, _Kept[Framework]],
    rules: Mapping[str, object],
    questions: Mapping[str, object],
) -> None:
    """Report a requirement that is listed twice, or that names a rule or question that does not exist."""
    for kept in frameworks.values():
        seen: set[str] = set()
        for index, requirement in enumerate(kept.item.requirements):
            path = ("requirements", index)
            if requirement.id in seen:
                kept.document.report((*path, "id"), f"exigence « {requirement.id} » déjà donnée")
            seen.add(requirement.id)
            for rule in requirement.rules:
                if rule not in rules:
                    kept.document.report((*path, "rules"), f"règle inconnue « {rule} »")
            for question in requirement.questions:
                if question not in questions:
                    kept.document.report((*path, "questions"), f"question inconnue « {question} »")


def _check_echoes(correspondences: Mapping[str, _Kept[Correspondence]], frameworks: Mapping[str, Framework]) -> None:
    """Report an id that a framework has too, a requirement that is listed twice, or one that no framework has."""
    known = {f"{one.id}/{requirement.id}" for one in frameworks.values() for requirement in one.requirements}
    for identifier, kept in correspondences.items():
        if identifier in frameworks:
            kept.document.report(("id",), f"« {identifier} » est déjà un référentiel")
        seen: set[str] = set()
        for index, echo in enumerate(kept.item.requirements):
            path = ("requirements", index)
            if echo.id in seen:
                kept.document.report((*path, "id"), f"exigence « {echo.id} » déjà donnée")
            seen.add(echo.id)
            for requirement in echo.requirements:
                if requirement not in known:
                    kept.document.report((*path, "requirements"), f"exigence inconnue « {requirement} »")
