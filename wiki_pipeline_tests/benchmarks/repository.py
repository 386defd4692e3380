"""A generated Git repository: files of a realistic mix, with a history; the same for the same arguments."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from wiki_pipeline.demo.confluence.vocabulary import ADJECTIVES, AUTHORS, NOUNS, TEAMS, VERBS

_BEGIN = 1_650_000_000  # Unix seconds of the first commit
_APART = 7_200
# In a hundred: as in a service with its web client, deployment and documentation.
_MIX = {"py": 38, "ts": 22, "md": 18, "yaml": 10, "json": 5, "sh": 4, "rst": 3}
_EDITS = 4  # files that a later commit changes, beside those it adds


def make_repository(path: Path, files: int, commits: int) -> Path:
    """Make a bare repository whose branch `main` ends with `files` files, added and edited in `commits` commits."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    with subprocess.Popen(["git", "-C", str(path), "fast-import", "--quiet"], stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        for command in _commands(files, commits):
            importing.stdin.write(command)
    if importing.returncode:
        raise RuntimeError(f"git fast-import failed with {importing.returncode}")
    # As a server keeps it: one pack, with a bitmap of what is reachable.
    subprocess.run(["git", "-C", str(path), "repack", "-adbq"], check=True)
    return path


def _commands(files: int, commits: int) -> Iterator[bytes]:
    """What `git fast-import` reads."""
    draw = random.Random(f"{files}/{commits}")
    paths = [_path(draw, number) for number in range(files)]
    for commit in range(commits):
        author = draw.choice(AUTHORS)
        added = paths[files * commit // commits : files * (commit + 1) // commits]
        before = paths[: files * commit // commits]
        edited = draw.sample(before, min(_EDITS, len(before)))
        message = f"{draw.choice(VERBS).capitalize()} the {draw.choice(NOUNS)}".encode()
        when = _BEGIN + commit * _APART
        yield f"commit refs/heads/main\ncommitter {author} <dev@example.org> {when} +0000\n".encode()
        yield b"data %d\n%b\n" % (len(message), message)
        for path in [*added, *edited]:
            data = _content(draw, path).encode()
            yield f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


def _path(draw: random.Random, number: int) -> str:
    kind = draw.choices(list(_MIX), cum_weights=list(accumulate(_MIX.values())))[0]
    if number == 0:
        return "README.md"
    noun, other = (_word(draw.choice(NOUNS)) for _ in range(2))
    top = {"md": "docs", "rst": "docs", "yaml": "deploy", "json": "config", "sh": "tools", "ts": "web/src"}.get(
        kind, "src"
    )
    return f"{top}/{_word(draw.choice(TEAMS))}/{noun}/{other}_{number}.{kind}"


def _content(draw: random.Random, path: str) -> str:
    """Between a few lines and a few hundred, most about a hundred."""
    blocks = max(1, min(60, round(draw.lognormvariate(1.9, 0.8))))
    write = {
        "py": _python,
        "ts": _typescript,
        "md": _markdown,
        "rst": _markdown,
        "yaml": _yaml,
        "json": _json,
        "sh": _shell,
    }
    parts = [write[path.rpartition(".")[2]](draw) for _ in range(blocks)]
    if path.endswith(".json"):
        return "{\n" + ",\n".join(parts) + "\n}\n"
    head = {
        "md": f"# {draw.choice(NOUNS).capitalize()}\n\n",
        "py": f'"""The {draw.choice(NOUNS)}."""\n\nimport logging\n\n',
    }
    return head.get(path.rpartition(".")[2], "") + "\n".join(parts)


def _sentence(draw: random.Random) -> str:
    return (
        f"The {draw.choice(ADJECTIVES)} {draw.choice(NOUNS)} has to {draw.choice(VERBS)} each {draw.choice(NOUNS)} "
        f"before the {draw.choice(NOUNS)} may {draw.choice(VERBS)} it."
    )


def _markdown(draw: random.Random) -> str:
    text = "\n\n".join(" ".join(_sentence(draw) for _ in range(draw.randint(1, 4))) for _ in range(draw.randint(1, 3)))
    items = "\n".join(f"- {_sentence(draw)}" for _ in range(draw.randint(2, 5)))
    return f"## {draw.choice(VERBS).capitalize()} the {draw.choice(NOUNS)}\n\n{text}\n\n{items}\n"


def _python(draw: random.Random) -> str:
    noun, other, verb = _word(draw.choice(NOUNS)), _word(draw.choice(NOUNS)), _word(draw.choice(VERBS))
    return (
        f"\ndef {verb}_{noun}({other}: list[str], limit: int = {draw.randint(1, 900)}) -> dict[str, int]:\n"
        f'    """{_sentence(draw)}"""\n'
        f"    found: dict[str, int] = {{}}\n"
        f"    for number, item in enumerate({other}[:limit]):\n"
        f"        if not item.startswith({noun!r}):\n"
        f"            logging.info('{_sentence(draw)}')\n"
        f"            continue\n"
        f"        found[item] = number * {draw.randint(2, 99)}\n"
        f"    return found\n"
    )


def _typescript(draw: random.Random) -> str:
    noun, verb = _camel(draw.choice(NOUNS)), _word(draw.choice(VERBS))
    return (
        f"// {_sentence(draw)}\n"
        f"export async function {verb}{noun}(id: string, limit = {draw.randint(1, 900)}): Promise<{noun}[]> {{\n"
        f"  const answer = await fetch(`/api/{_word(draw.choice(NOUNS))}/${{id}}?limit=${{limit}}`);\n"
        f"  if (!answer.ok) {{\n    throw new Error('{_sentence(draw)}');\n  }}\n"
        f"  return (await answer.json()) as {noun}[];\n}}\n"
    )


def _yaml(draw: random.Random) -> str:
    return (
        f"{_word(draw.choice(NOUNS))}_{draw.randint(1, 9_999)}:\n  # {_sentence(draw)}\n"
        f"  image: registry.example.org/{_word(draw.choice(TEAMS))}:{draw.randint(1, 40)}.{draw.randint(0, 9)}\n"
        f"  replicas: {draw.randint(1, 12)}\n  schedule: every {draw.randint(2, 60)} minutes\n"
    )


def _json(draw: random.Random) -> str:
    name = f"{_word(draw.choice(NOUNS))}_{draw.randint(1, 99_999)}"
    return f'  "{name}": {{"limit": {draw.randint(1, 900)}, "note": "{_sentence(draw)}"}}'


def _shell(draw: random.Random) -> str:
    noun, limit = _word(draw.choice(NOUNS)), draw.randint(1, 900)
    return f'# {_sentence(draw)}\n{noun}_limit={limit}\necho "{_sentence(draw)}" >> "${{LOG:-{noun}.log}}"\n'


def _word(words: str) -> str:
    """Words as one name in lower case."""
    return "_".join(words.lower().replace("-", " ").replace("'", "").split())


def _camel(words: str) -> str:
    return "".join(part.capitalize() for part in _word(words).split("_"))
