"""The chart is right for Helm and for Kubernetes, whichever values it gets, and what is made of it is up to date."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from wiki_pipeline_tests.deploy import chart, generate, tools

# Kinds that a cluster has from elsewhere: their schemas are not Kubernetes' own.
_OPERATORS = {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("values", chart.SETS)
def test_helm_has_nothing_to_say_against_it(values: str) -> None:
    said = tools.run("helm", "lint", "--strict", chart.CHART, *chart.options(values))
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said


@pytest.mark.parametrize(("values", "number"), chart.SETS.items())
def test_every_object_is_one_that_kubernetes_takes(values: str, number: int) -> None:
    """By the published schemas, closed: a field that is misspelt is refused."""
    assert len(chart.objects(values)) == number
    said = subprocess.run(
        [tools.FOLDER / "bin" / "kubernetes-validate", "-k", tools.KUBERNETES, "--strict", "-"],
        input=chart.text(values),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    output = said.stdout + said.stderr
    unknown = [each["kind"] for each in chart.objects(values) if each["kind"] in _OPERATORS]
    assert output.count("INFO") == number - len(unknown), output
    assert output.count("WARN") == len(unknown), output


def test_that_check_can_fail() -> None:
    wrong = chart.text().replace("automountServiceAccountToken: false", "automountServiceAcountToken: false")
    said = subprocess.run(
        [tools.FOLDER / "bin" / "kubernetes-validate", "-k", tools.KUBERNETES, "--strict", "-"],
        input=wrong,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode != 0
    assert "automountServiceAcountToken" in said.stdout + said.stderr


def test_kubectl_reads_the_manifests() -> None:
    """kustomize parses each document and refuses two of one name."""
    said = tools.run("kubectl", "kustomize", tools.ROOT / "deploy" / "manifests")
    assert len([each for each in yaml.safe_load_all(said) if each]) == chart.SETS["default"] + 1  # the namespace


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("gateway.replica=3", "additional properties 'replica' not allowed"),
        ("image.tag=latest", "image/tag"),
        ("image.digest=sha256:12", "image/digest"),
        ("settings.CONFLUENCE_TOKEN=x", "CONFLUENCE_TOKEN"),
        ("settings.OPENAI_API_KEY=x", "OPENAI_API_KEY"),
        ("storage.url=/data", "storage/url"),
        ("runs.resources.limits.memory=4", "limits/memory"),
        ("gateway.publicUrl=wiki.example.org", "publicUrl"),
        ("backup.schedule=nightly", "backup/schedule"),
        ("backup.enabled=true", "backup.place: where backups go"),
    ],
)
def test_wrong_values_are_refused_by_name(setting: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        tools.run("helm", "template", chart.CHART, "--set", setting)


def test_the_schema_names_each_value_and_no_other() -> None:
    """Both directions: a value that the schema forgets would be refused, one that it has too many would do nothing."""
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(given: object, about: dict[str, object], path: str) -> None:
        if "$ref" in about:
            about = schema["$defs"][str(about["$ref"]).rpartition("/")[2]]
        properties = about.get("properties")
        if not isinstance(properties, dict):
            return
        assert isinstance(given, dict), path
        known = set(properties) - {"global"}
        # A limit on the processor is possible and not set: it would slow down each start.
        assert known - {"cpu"} <= set(given) <= known, path
        for name, value in given.items():
            compare(value, properties[name], f"{path}.{name}")

    compare(values, schema, "")


def test_each_value_is_used() -> None:
    """A value that no template reads is a switch without a wire."""
    files = [*(chart.CHART / "templates").iterdir(), *(chart.CHART / "files").iterdir()]
    templates = "".join(file.read_text(encoding="utf-8") for file in files)
    for value in generate.values((chart.CHART / "values.yaml").read_text(encoding="utf-8")):
        last = value.path.split(".")[-1]
        inside_whole = {"requests", "limits", "database", "storage", "gateway", "sources", "models"}
        inside_annotations = (
            "annotations" in value.path or "keys" in value.path or value.path.startswith("networkPolicy")
        )
        assert last in inside_whole or inside_annotations or f".{last}" in templates, value.path


def test_what_is_made_of_the_chart_is_up_to_date() -> None:
    behind = [
        str(path.relative_to(tools.ROOT))
        for path, content in generate.files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    assert not behind, "run: python -m wiki_pipeline_tests.deploy.generate"


def test_each_value_says_what_it_is_for() -> None:
    text = (chart.CHART / "values.yaml").read_text(encoding="utf-8")
    described = {value.path for value in generate.values(text) if value.about}
    top = set(yaml.safe_load(text))
    silent = {name for name in top if name not in described and not any(d.startswith(f"{name}.") for d in described)}
    assert not silent


def test_checkov_finds_nothing() -> None:
    """What is left out, and why: in `checkov.yaml` beside the chart."""
    tools.run("checkov", "--config-file", tools.ROOT / "deploy" / "checkov.yaml", "--file", _rendered(), timeout=280)


def _rendered() -> str:
    return str(tools.ROOT / "deploy" / "manifests" / "20-wiki-pipeline.yaml")
