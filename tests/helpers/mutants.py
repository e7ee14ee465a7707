"""Do the unit tests of models notice a wrong model? Changes one place of each of some models, and says whose tests still pass.

Run it over a home that is built, in a clean checkout: ``python tests/helpers/mutants.py HOME CONFIG --seed 1``. It writes into
``models/`` and puts everything back.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
#: What is changed into what: limits, extremes, conditions, joins, orders.
CHANGES = (
    (r" >= ", " > "), (r" <= ", " < "), (r"(?<![<>]) > ", " >= "), (r" < ", " <= "), (r"\bmin\(", "max("), (r"\bmax\(", "min("),
    (r" and not ", " and "), (r" or ", " and "), (r" = 1 as ", " = 0 as "), (r", false\)", ", true)"),
    (r"\bcount\(distinct ", "count("), (r"\bleft join\b", "inner join"), (r" desc\b", " asc"),
)  # fmt: skip


def changes(lines: list[str]) -> list[tuple[int, str]]:
    """Every single change of a model, as number of the line and its new text; comments and a `maintained` stay."""
    text = "\n".join(lines)
    comments = {
        number
        for comment in re.finditer(r"\{#.*?#\}", text, flags=re.DOTALL)
        for number in range(text.count("\n", 0, comment.start()), text.count("\n", 0, comment.end()) + 1)
    }
    ends = [number for number, line in enumerate(lines) if line.rstrip() == ") }}"]
    begin = ends[0] + 1 if ends and "maintained(" in "\n".join(lines[: ends[0]]) else 0
    return [
        (number, re.sub(before, after, line, count=1))
        for number, line in enumerate(lines[begin:], begin)
        if line.strip() and number not in comments and not line.strip().startswith(("--", "{%"))
        for before, after in CHANGES
        if re.search(before, line)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("config")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=24)
    options = parser.parse_args()
    if subprocess.run(["git", "diff", "--quiet", "--", "models"], cwd=REPOSITORY, check=False).returncode:
        sys.exit("models/ has changes that are not committed: commit them first")
    chance = random.Random(options.seed)
    declared = "\n".join(path.read_text(encoding="utf-8") for path in REPOSITORY.glob("models/**/*.yml"))
    tested = set(re.findall(r"^    model: (\w+)", declared, flags=re.MULTILINE))
    paths = {path.stem: path for path in sorted(REPOSITORY.glob("models/**/*.sql")) if path.stem in tested}
    possible = {name: found for name, path in paths.items() if (found := changes(path.read_text(encoding="utf-8").split("\n")))}
    chosen = chance.sample(sorted(possible), min(options.count, len(possible)))
    was = {name: paths[name].read_text(encoding="utf-8") for name in chosen}
    said = {}
    try:
        for name in chosen:
            number, text = chance.choice(possible[name])
            lines = was[name].split("\n")
            said[name] = f"line {number + 1}: {lines[number].strip()} -> {text.strip()}"
            lines[number] = text
            paths[name].write_text("\n".join(lines), encoding="utf-8")
        selected = " ".join(f"{name},test_type:unit" for name in chosen)
        command = [
            "-m",
            "orchestration.cli",
            "dbt",
            "--home",
            options.home,
            "--config",
            options.config,
            "test",
            "--select",
            selected,
        ]
        output = subprocess.run([sys.executable, *command], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout
    finally:
        for name, text in was.items():
            paths[name].write_text(text, encoding="utf-8")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    noticed = 0
    for name in chosen:
        results = re.findall(rf"(PASS|FAIL|ERROR)[^\n]* {name}::", plain)
        is_noticed = any(result != "PASS" for result in results)
        noticed += is_noticed
        print("noticed " if is_noticed else "survived" if results else "not run ", name, said[name])
    print(f"{noticed} of {len(chosen)} changes were noticed")


if __name__ == "__main__":
    main()
