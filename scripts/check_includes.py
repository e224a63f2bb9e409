#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the layers: each folder of soco/ includes only folders that the table below allows, and a third-party header
only where its owner is. Prints each breach as file:line and exits 1 when there is one."""
import pathlib
import re
import sys

# Folder -> folders it may include besides itself. docs/architecture.md explains the layers.
CORE = ["base", "config", "structures", "image", "proposals", "data"]
ALLOWED = {
    "base": [],
    "config": ["base"],
    "structures": ["base"],
    "image": ["base", "config", "structures"],
    "evaluation": ["base", "config", "structures"],
    "proposals": ["base", "config", "structures", "image"],
    "distributed": ["base"],
    "layers": ["base", "structures", "distributed/communicator.h"],
    "solver": ["base", "config", "layers", "structures"],
    "checkpoint": ["base", "config", "structures"],
    "data": ["base", "config", "structures", "image", "proposals"],
    "modeling": ["base", "config", "structures", "layers", "distributed/communicator.h"],
    "export": ["base", "config", "structures", "checkpoint", "modeling/model_options.h", "modeling/detector_options.h"],
    "report": CORE + ["evaluation"],
    "run": CORE + ["evaluation", "checkpoint", "report", "modeling/model_options.h", "modeling/detector_options.h"],
    "engine": CORE + ["evaluation", "distributed", "layers", "solver", "checkpoint", "modeling", "export", "report", "run"],
    "cli": CORE + ["evaluation", "distributed", "layers", "solver", "checkpoint", "modeling", "export", "report", "run", "engine"],
}

# Third-party header (start of the path) -> folders that own it.
OWNERS = {
    "torch/": ["distributed", "layers", "solver", "modeling", "engine", "cli"],
    "ATen/": ["layers", "solver", "modeling", "engine"],
    "c10/": ["distributed", "layers", "solver", "modeling", "engine"],
    "nlohmann/": ["base"],
    "xxhash": ["base"],
    "toml++/": ["config"],
    "CLI/": ["cli"],
    "sqlite3": ["proposals"],
    "jpeglib": ["image"],
    "jerror": ["image"],
    "png": ["image"],
    "webp/": ["image"],
    "tiff": ["image"],
    "hwy/": ["image", "proposals", "layers"],
    "zlib": ["base"],
    "archive": ["image"],
    "expat": ["structures"],
}


def breaches(root):
    for path in sorted(root.glob("soco/**/*")):
        if path.suffix not in (".h", ".cpp", ".cu"):
            continue
        folder = path.relative_to(root / "soco").parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if not match:
                continue
            header = match.group(1)
            where = f"{path.relative_to(root)}:{number}"
            if folder not in ALLOWED:
                yield f"{where}: folder {folder} has no row in the table of layers"
                break
            if header.startswith("soco/"):
                target = header.split("/")[1]
                allowed = target == folder or target in ALLOWED[folder] or header[5:] in ALLOWED[folder]
                if not allowed:
                    yield f"{where}: {folder} may not include {target} ({header})"
            elif '"' in line:
                yield f'{where}: write "soco/..." instead of "{header}"'
            for prefix, owners in OWNERS.items():
                if header.startswith(prefix) and folder not in owners:
                    yield f"{where}: {header} belongs to {', '.join(owners)}"
            if header.startswith("torch/") and path.suffix == ".h" and path.name.endswith("_options.h"):
                yield f"{where}: option structs are read without libtorch"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    found = list(breaches(root))
    print("\n".join(found) if found else "include rule: no breach")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
