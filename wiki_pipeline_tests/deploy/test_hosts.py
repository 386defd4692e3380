"""The image's recipe, docker compose and systemd: checked by their own tools where there are any, and as a whole."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from wiki_pipeline_tests.deploy import chart, tools

DEPLOY = tools.ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
_SAME = ("concurrency", "run_queue", "run_retries", "sensors", "schedules", "retention", "telemetry", "nux")
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;]+)", re.MULTILINE)


def _compose() -> Any:
    return yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text(encoding="utf-8"))


def _programs() -> dict[str, Any]:
    return {name: service for name, service in _compose()["services"].items() if name != "postgresql"}


# --- the image ---


def test_hadolint_has_nothing_to_say() -> None:
    assert tools.run("hadolint", DEPLOY / "Dockerfile") == ""


def test_the_image_ends_without_tools_and_without_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    last = stages[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "pip uninstall" in last
    assert not re.search(r"\b(gcc|make|build-essential|g\+\+)\b", last)
    assert "compileall" in stages[0]
    assert "--require-hashes" in stages[0]
    (base,) = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", base)


def test_the_image_has_what_was_tested() -> None:
    """Packages that both locks name are of one version; the image's has no tools of developers."""
    tested = dict(_PINNED.findall((tools.ROOT / "requirements.lock").read_text(encoding="utf-8")))
    image = dict(_PINNED.findall((DEPLOY / "requirements-image.lock").read_text(encoding="utf-8")))
    assert {"dagster", "dagster-k8s", "dagster-postgres", "lancedb", "psycopg"} <= set(image)
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis"} & set(image)
    different = {
        name: (version, tested[name]) for name, version in image.items() if tested.get(name, version) != version
    }
    assert not different
    dagster = image["dagster"]
    assert image["dagster-webserver"] == dagster
    assert (
        image["dagster-k8s"]
        == image["dagster-postgres"]
        == f"0.{int(dagster.split('.')[1]) + 16}.{dagster.split('.')[2]}"
    )


def test_what_the_image_is_made_of_is_let_in() -> None:
    """`.dockerignore` keeps out all but what is copied."""
    copied = {
        source
        for line in re.findall(
            r"^COPY (?!--from)(.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
        )
        for source in line.split()[:-1]
    }
    ignored = (tools.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((tools.ROOT / source).exists() for source in copied)


# --- docker compose ---


def test_services_of_compose_are_healthy_confined_and_started_again() -> None:
    services = _compose()["services"]
    assert set(services) == {"postgresql", "migration", "gateway", "code", "webserver", "daemon"}
    for name, service in services.items():
        assert re.search(r":[0-9]+\.[0-9.]+[a-z-]*$", service["image"]), f"{name}: its image moves"
        assert name == "migration" or "healthcheck" in service, name
        assert service["restart"] in {"unless-stopped", "on-failure:3"}, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: reached from elsewhere"
    for name, service in _programs().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["user"] == "10001:10001", name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert _compose()["networks"]["inside"] == {"internal": True}
    assert services["postgresql"]["networks"] == ["inside"]


def test_services_of_compose_wait_for_those_that_they_need() -> None:
    services = _compose()["services"]
    conditions = {"service_healthy", "service_completed_successfully"}
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, name
            assert how["condition"] in conditions
            assert how["condition"] != "service_healthy" or "healthcheck" in services[needed]
    mounted = [volume.partition(":")[0] for service in services.values() for volume in service["volumes"]]
    for source in mounted:
        assert (DEPLOY / source).exists() if source.startswith("./") else source in _compose()["volumes"], source


def test_compose_and_the_chart_start_the_same_programs() -> None:
    made = chart.objects()
    for name in ("gateway", "code", "daemon"):
        (container,) = chart.named(made, "Deployment", f"wiki-{name}")["spec"]["template"]["spec"]["containers"]
        ours = [argument for argument in container["args"] if not argument.startswith("--container-image")]
        assert _programs()[name]["command"] == ours
    for service in _programs().values():
        command = service["command"]
        if command[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(command[2]) is not None


@pytest.mark.parametrize("file", ["dagster.yaml"])
def test_dagster_is_set_as_on_a_laptop(file: str) -> None:
    laptop = yaml.safe_load((tools.ROOT / "wiki_pipeline" / "defs" / "dagster.yaml").read_text(encoding="utf-8"))
    host = yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))
    for section in (*_SAME, "run_monitoring"):
        assert host[section] == laptop[section], section
    assert host["storage"] == {
        "postgres": {
            "postgres_db": {
                "scheme": "postgresql+psycopg2",
                "username": {"env": "PGUSER"},
                "hostname": {"env": "PGHOST"},
                "db_name": "dagster",
            }
        }
    }


# --- systemd ---


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are installed, in a root of their own, with programs that are there."""
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(SYSTEMD, units)
    for program in re.findall(r"^ExecStart\w*=(\S+)", "\n".join(_texts()), re.MULTILINE):
        place = tmp_path / program.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n")
        place.chmod(0o755)
    for target in ("sysinit", "basic", "multi-user", "shutdown", "timers", "network-online"):
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    return tmp_path


def _texts() -> list[str]:
    return [file.read_text(encoding="utf-8") for file in sorted(SYSTEMD.glob("*.service"))]


def _systemd_analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed here")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_systemd_takes_the_units(installed: Path) -> None:
    units = [str(file) for file in (installed / "etc/systemd/system").glob("wiki-pipeline*.*") if file.is_file()]
    said = _systemd_analyze("verify", f"--root={installed}", *units)
    # Debian's systemd is older than growing delays, and says so; it goes on with a second.
    complaints = [
        line for line in said.splitlines() if "wiki-pipeline" in line and not re.search("'Restart(Steps|Max)", line)
    ]
    assert complaints == []


def test_that_check_of_units_can_fail(installed: Path) -> None:
    unit = installed / "etc/systemd/system/wiki-pipeline-daemon.service"
    unit.write_text(unit.read_text(encoding="utf-8").replace("Restart=always", "Restart=allways"), encoding="utf-8")
    assert "allways" in _systemd_analyze("verify", f"--root={installed}", str(unit))


@pytest.mark.parametrize("unit", ["gateway", "code", "webserver", "daemon", "migration", "backup"])
def test_units_may_do_little(installed: Path, unit: str) -> None:
    """By systemd's own measure: 10 is exposed, 0 is sealed. The network has to stay."""
    said = _systemd_analyze("security", "--offline=true", f"--root={installed}", f"wiki-pipeline-{unit}.service")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found is not None, said
    assert float(found[1]) < 2.5, said


def test_units_start_what_compose_starts() -> None:
    for name in ("gateway", "code", "webserver", "daemon"):
        text = (SYSTEMD / f"wiki-pipeline-{name}.service").read_text(encoding="utf-8")
        (started,) = re.findall(r"^ExecStart=/opt/wiki-pipeline/bin/(.*)$", text, re.MULTILINE)
        first = [part for part in _programs()[name]["command"] if not part.startswith("--")]
        assert [part for part in started.split() if not part.startswith("--")] == first
        assert "Restart=always" in text
        assert "StartLimitIntervalSec=0" in text
