"""dagster-k8s' own launcher, made of the rendered `dagster.yaml`, against the played API server: what it sends is
taken, allowed by the Role, and as closed as all other pods."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_k8s.job import construct_dagster_k8s_job
from dagster_k8s.launcher import K8sRunLauncher
from kubernetes.client import ApiClient

from wiki_pipeline.defs.dagster_internals import ConfigurableClassData
from wiki_pipeline.defs.launching import BySize
from wiki_pipeline_tests.deploy import chart
from wiki_pipeline_tests.deploy.played import PlayedCluster
from wiki_pipeline_tests.deploy.test_policies import _check_restricted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

_SECRETS = {
    "wiki-pipeline-database": {"password": "p"},
    "wiki-pipeline-storage": {"access-key-id": "a", "secret-access-key": "s"},
    "wiki-pipeline-sources": {"confluence-username": "u", "confluence-token": "t", "git-token": "g"},
}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[PlayedCluster]:
    with PlayedCluster(chart.objects(), _SECRETS, tmp_path) as played:
        yield played


def _configured(large: bool = True) -> ConfigurableClassData:
    """The launcher of the rendered settings; of large runs, by its own configuration."""
    launcher = chart.dagster_yaml(chart.objects())["run_launcher"]
    if large:
        launcher = launcher["config"]["large"]
        launcher["config"]["load_incluster_config"] = False  # its files are where only pods have them
    return ConfigurableClassData(launcher["module"], launcher["class"], yaml.safe_dump(launcher["config"]))


def _launcher(cluster: PlayedCluster, account: str, monkeypatch: pytest.MonkeyPatch) -> K8sRunLauncher:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(account)))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig(account)))
    return _configured().rehydrate(as_type=K8sRunLauncher)


def _body(launcher: K8sRunLauncher, tags: dict[str, str], args: list[str]) -> Any:
    run = dg.DagsterRun(job_name="sync_source", tags=tags)
    context = launcher.get_container_context_for_run(run)
    return construct_dagster_k8s_job(
        job_config=context.get_k8s_job_config(job_image=launcher.job_image, run_launcher=launcher),
        args=args,
        job_name=f"dagster-run-{run.run_id}",
        component="run_worker",
        user_defined_k8s_config=context.run_k8s_config,
        labels={"dagster/run-id": run.run_id},
    )


def test_dagster_takes_the_launcher_of_the_chart() -> None:
    assert isinstance(_configured(large=False).rehydrate(as_type=BySize), BySize)


def test_a_run_is_a_job_that_the_cluster_takes_and_ends(
    cluster: PlayedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = _launcher(cluster, "wiki-daemon", monkeypatch)
    size = {"limits": {"memory": "2Gi"}, "requests": {"cpu": "2", "memory": "2Gi"}}
    tags = {"dagster-k8s/config": json.dumps({"container_config": {"resources": size}})}
    body = _body(launcher, tags, ["sleep", "300"])
    client, name = launcher._api_client, body.metadata.name
    client.create_namespaced_job_with_retries(body=body, namespace="wiki")
    assert cluster.violations == []
    sent = cluster.jobs[name].body
    pod = sent["spec"]["template"]
    _check_restricted("a run", pod["spec"])
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == size
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["serviceAccountName"] == "wiki-run"
    assert pod["spec"]["terminationGracePeriodSeconds"] == 120
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "run"
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "wiki-pipeline"
    assert sent["spec"]["ttlSecondsAfterFinished"] == 3600
    variables = cluster.variables(container)
    assert variables["WIKI_PIPELINE_MODE"] == "cluster"
    assert variables["CONFLUENCE_TOKEN"] == "t"
    assert variables["PGPASSWORD"] == "p"
    assert variables["DAGSTER_HOME"] == "/opt/dagster"

    status = client.get_job_status(name, "wiki")
    assert (status.active, status.failed) == (1, None)
    assert client.get_pod_names_in_job(name, "wiki") == [cluster.jobs[name].pod.name]
    assert client.delete_job(name, "wiki") is True
    process = cluster.jobs[name].pod.process
    assert process is not None
    assert process.wait(60) != 0
    assert client.delete_job(name, "wiki") is False, "once is enough"
    assert cluster.violations == []


def test_a_pod_that_dies_is_a_job_that_failed(cluster: PlayedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = _launcher(cluster, "wiki-daemon", monkeypatch)
    killed, lost = (_body(launcher, {}, ["sleep", "300"]) for _ in range(2))
    for body in (killed, lost):
        launcher._api_client.create_namespaced_job_with_retries(body=body, namespace="wiki")
    cluster.jobs[killed.metadata.name].pod.kill()
    cluster.lose_node(cluster.jobs[lost.metadata.name])
    for body in (killed, lost):
        status = launcher._api_client.get_job_status(body.metadata.name, "wiki")
        assert (status.active, status.failed) == (None, 1)
    assert launcher._api_client.get_pod_names_in_job(lost.metadata.name, "wiki") == []
    pod = cluster.jobs[killed.metadata.name].pod.name
    assert pod in launcher._api_client.get_pod_debug_info(pod, "wiki")  # what a run's log says of it
    assert cluster.violations == []


@pytest.mark.parametrize(
    "config",
    [
        {"pod_spec_config": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}},
        {"pod_spec_config": {"service_account_name": "wiki-daemon"}},
        {"pod_spec_config": {"automount_service_account_token": True}},
        {"container_config": {"security_context": {"privileged": True}}},
        {"container_config": {"image": "elsewhere/image:1"}},
        {"container_config": {"command": ["sh"]}},
        {"job_spec_config": {"backoff_limit": 9}},
        {"pod_template_spec_metadata": {"labels": {"app.kubernetes.io/component": "gateway"}}},
    ],
)
def test_tags_of_a_run_open_nothing(
    cluster: PlayedCluster, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    """Whoever may start runs writes their tags."""
    launcher = _launcher(cluster, "wiki-daemon", monkeypatch)
    with pytest.raises(Exception, match="violated the allowed list"):
        _body(launcher, {"dagster-k8s/config": json.dumps(config)}, [])


def test_variables_of_tags_are_left_out(cluster: PlayedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = _launcher(cluster, "wiki-daemon", monkeypatch)
    given = {"container_config": {"env": [{"name": "PYTHONPATH", "value": "/elsewhere"}]}}
    try:
        body = ApiClient().sanitize_for_serialization(_body(launcher, {"dagster-k8s/config": json.dumps(given)}, []))
    except Exception as refused:
        assert "violated the allowed list" in str(refused)  # noqa: PT017 - either way nothing gets in
        return
    assert "PYTHONPATH" not in json.dumps(body)


def test_the_played_server_is_strict(cluster: PlayedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses wrong bodies, accounts without rights, and no token: otherwise the tests above say nothing."""
    launcher = _launcher(cluster, "wiki-daemon", monkeypatch)
    sent = ApiClient().sanitize_for_serialization(_body(launcher, {}, ["true"]))
    daemon, gateway = (f"Bearer token-of-wiki-{name}" for name in ("daemon", "gateway"))
    jobs = "/apis/batch/v1/namespaces/wiki/jobs"
    wrong = {**sent, "spec": {**sent["spec"], "backofLimit": 1}}
    assert cluster.answer("POST", jobs, daemon, json.dumps(wrong).encode())[0] == 422
    assert cluster.answer("POST", jobs, gateway, json.dumps(sent).encode())[0] == 403
    assert cluster.answer("POST", jobs, "", json.dumps(sent).encode())[0] == 401
    assert cluster.answer("GET", "/api/v1/namespaces/wiki/secrets", daemon, b"")[0] == 403
    assert cluster.answer("GET", "/api/v1/namespaces/kube-system/pods", daemon, b"")[0] == 403
    assert cluster.answer("DELETE", f"{jobs}/none", daemon, b"")[0] == 404
    assert len(cluster.violations) == 4
    assert cluster.answer("POST", jobs, daemon, json.dumps(sent).encode())[0] == 201
    assert cluster.answer("POST", jobs, daemon, json.dumps(sent).encode())[0] == 409
    deadline = time.monotonic() + 60
    job = cluster.jobs[sent["metadata"]["name"]]
    while job.status() == {"active": 1} and time.monotonic() < deadline:
        time.sleep(0.05)
    assert job.status() == {"succeeded": 1}
