"""`manage.py translations`: bring every catalogue up to what the sources say and compile it; `--check` only compares (part of make check)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.catalogues import mo, po
from config.catalogues.gathering import Gathered, gather

SHOWN = 20


class Command(BaseCommand):
    help = "Gather the product's strings into locale/*/LC_MESSAGES/django.po and compile them."
    requires_system_checks = ()  # one of them asks for what this command makes

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit 1 when a catalogue is not complete or not of these sources")

    def handle(self, *args: Any, **options: Any) -> None:
        found = gather(settings.BASE_DIR)
        wrong = list(found.faults)
        for path in mo.sources():
            wrong += self._checked(path, found) if options["check"] else self._written(path, found)
        mo.compile_all()
        for line in wrong[:SHOWN]:
            self.stderr.write(line)
        if wrong:
            more = f", {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
            self.stderr.write(f"{len(wrong)} things to mend{more}: CONTRIBUTING.md says how (Languages)")
            sys.exit(1)

    def _written(self, path: Path, found: Gathered) -> list[str]:
        known = po.read(path)
        gone = [known[key].message.msgid for key in known.keys() - found.messages.keys() if key != ("", "")]
        entries = po.merged(known, found.messages.values())
        text = po.written(known["", ""], entries)
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
        self.stdout.write(f"{path.relative_to(settings.BASE_DIR)}: {len(entries)} strings, {len(gone)} taken out")
        return list(_faults(path, known["", ""], entries))

    def _checked(self, path: Path, found: Gathered) -> list[str]:
        known = po.read(path)
        entries = po.merged(known, found.messages.values())
        wrong = list(_faults(path, known["", ""], entries))
        if not wrong and po.written(known["", ""], entries) != path.read_text(encoding="utf-8"):
            wrong.append(f"{path.relative_to(settings.BASE_DIR)} is not of these sources: run python manage.py translations")
        return wrong


def _faults(path: Path, header: po.Entry, entries: list[po.Entry]) -> Iterator[str]:
    language = path.parents[1].name
    for entry in entries:
        for fault in po.faults(entry, po.plural_forms(header)):
            where = entry.message.files[0] if entry.message.files else "?"
            yield f"{language}: {entry.message.msgid!r} ({where}) {fault}"
