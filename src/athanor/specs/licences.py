"""Which licence a model folder states: in its README's front matter, or in the text of its licence file."""

from __future__ import annotations

import re
from pathlib import Path

MOST_BYTES = 1 << 16  # of a file, from its beginning: licences say what they are in the first lines
KNOWN = (
    (r"Apache License\s+Version 2\.0", "Apache-2.0"),
    (r"MIT License|Permission is hereby granted, free of charge", "MIT"),
    (r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3", "AGPL-3.0"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3", "LGPL-3.0"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 3", "GPL-3.0"),
    (r"Redistribution and use in source and binary forms[\s\S]*Neither the name", "BSD-3-Clause"),
    (r"Redistribution and use in source and binary forms", "BSD-2-Clause"),
    (r"Creative Commons Attribution-NonCommercial 4\.0", "CC-BY-NC-4.0"),
    (r"Creative Commons Attribution-ShareAlike 4\.0", "CC-BY-SA-4.0"),
    (r"Creative Commons Attribution 4\.0|Attribution 4\.0 International", "CC-BY-4.0"),
)
FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)


def stated_licence(folder: Path) -> str | None:
    """The licence's short name, or the first line of a text that is not known; None where nothing is stated."""
    names = sorted(path for path in folder.iterdir() if path.is_file())
    readme = next((path for path in names if path.name.lower() == "readme.md"), None)
    text = next((path for path in names if path.name.lower().startswith(("license", "licence", "copying"))), None)
    return (_in_front_matter(_beginning(readme)) if readme else None) or (_in_text(_beginning(text)) if text else None)


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")


def _in_front_matter(text: str) -> str | None:
    found = FRONT_MATTER.match(text)
    for name in ("license_name", "license") if found else ():
        if value := re.search(rf"^{name}:[ \t]*([^\s#\[{{-]\S*)", found.group(1) if found else "", re.MULTILINE):
            return value.group(1).strip("\"'")[:80]
    return None


def _in_text(text: str) -> str | None:
    for pattern, name in KNOWN:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), None)
