"""The chart, rendered: Kubernetes' objects as Helm makes them of several sets of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wiki_pipeline_tests.deploy import tools

CHART = tools.ROOT / "deploy" / "helm" / "wiki-pipeline"
VALUES = Path(__file__).parent / "values"
NAMESPACE = "wiki"
RELEASE = "wiki"

Object = Mapping[str, Any]

# Sets of values, and how many objects each makes.
SETS: Mapping[str, int] = {"default": 35, "everything": 44, "narrow": 35, "small": 32, "stateless": 9}


@cache
def text(values: str = "default", *more: str) -> str:
    """What Helm makes of the values of a file, and of others beside them as `--set` has them."""
    others = [part for each in more for part in ("--set", each)]
    return tools.run("helm", "template", RELEASE, CHART, "--namespace", NAMESPACE, *options(values), *others)


def options(values: str) -> Sequence[str]:
    """Options of Helm for a set of values."""
    return [] if values == "default" else ["--values", str(VALUES / f"{values}.yaml")]


@cache
def objects(values: str = "default", *more: str) -> Sequence[Object]:
    """The same as objects."""
    return [each for each in yaml.safe_load_all(text(values, *more)) if each]


def of_kind(made: Sequence[Object], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [each for each in made if each["kind"] in kinds]


def named(made: Sequence[Object], kind: str, name: str) -> Object:
    """The one of a kind and name."""
    (found,) = (each for each in made if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def pods(made: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """Templates of pods, with the kind and name of what makes them."""
    for each in made:
        spec = each.get("spec", {})
        if each["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if each["kind"] in {"Deployment", "Job", "CronJob"}:
            yield f"{each['kind']} {each['metadata']['name']}", spec["template"]


def containers(pod: Object) -> Sequence[Object]:
    """All containers of a pod's template."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def dagster_yaml(made: Sequence[Object]) -> Any:
    """Settings of the Dagster instance."""
    return yaml.safe_load(named(made, "ConfigMap", f"{RELEASE}-dagster")["data"]["dagster.yaml"])
