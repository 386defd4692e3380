"""What must be true of the objects together: names lead somewhere, rights suffice and are no more, doors are closed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import dagster_k8s.client
import pytest
import yaml

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline_tests.deploy import chart, tools
from wiki_pipeline_tests.deploy.chart import Object, containers, named, objects, of_kind, pods

FULL = "everything"
each_set = pytest.mark.parametrize("values", chart.SETS)


def _labels(pod: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = pod["metadata"]["labels"]
    return labels


def _matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def _all_pods(made: list[Object] | Any) -> dict[str, Object]:
    """Pods by what makes them, and those of runs, which the launcher makes."""
    found = dict(pods(made))
    if not of_kind(made, "RoleBinding"):
        return found
    launcher = _launcher(made)
    found["Run"] = {"metadata": {"labels": launcher["labels"]}, "spec": {"containers": [{"name": "dagster"}]}}
    return found


def _launcher(made: Any) -> Any:
    """Configuration of dagster-k8s' launcher, by itself or for large runs."""
    (launcher,) = (
        yaml.safe_load(each["data"]["dagster.yaml"])["run_launcher"]
        for each in of_kind(made, "ConfigMap")
        if each["metadata"]["name"].endswith("-dagster")
    )
    if launcher["class"] == "BySize":
        assert launcher["config"]["small"] == {"module": "dagster", "class": "DefaultRunLauncher"}
        launcher = launcher["config"]["large"]
    assert (launcher["module"], launcher["class"]) == ("dagster_k8s", "K8sRunLauncher")
    return launcher["config"]


# --- names that lead somewhere ---


@each_set
def test_selectors_find_pods_of_one_kind(values: str) -> None:
    made = objects(values)
    every = _all_pods(made)
    for each in of_kind(made, "Service", "PodDisruptionBudget", "Deployment"):
        selector = each["spec"]["selector"]
        found = [who for who, pod in every.items() if _matches(selector.get("matchLabels", selector), _labels(pod))]
        assert len(found) == 1, (each["metadata"]["name"], found)
        if each["kind"] == "Deployment":
            assert found == [f"Deployment {each['metadata']['name']}"]
    for each in of_kind(made, "NetworkPolicy"):
        selector = each["spec"]["podSelector"]["matchLabels"]
        may_be_off = each["metadata"]["name"].endswith(("-backup", "-webserver"))
        assert may_be_off or [pod for pod in every.values() if _matches(selector, _labels(pod))], each["metadata"]


@each_set
def test_services_lead_to_ports_that_containers_name(values: str) -> None:
    made = objects(values)
    for service in of_kind(made, "Service"):
        (pod,) = (p for _, p in pods(made) if _matches(service["spec"]["selector"], _labels(p)))
        names = {port["name"] for container in containers(pod) for port in container.get("ports", [])}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in names
    for ingress in of_kind(made, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = named(made, "Service", backend["name"])
                assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    for scaler in of_kind(made, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled = named(made, target["kind"], target["name"])
        assert "replicas" not in scaled["spec"], "an upgrade would set back what the autoscaler chose"


@each_set
def test_accounts_config_maps_and_claims_exist(values: str) -> None:
    made = objects(values)
    accounts = {each["metadata"]["name"] for each in of_kind(made, "ServiceAccount")}
    maps = {each["metadata"]["name"]: set(each["data"]) for each in of_kind(made, "ConfigMap")}
    claims = {each["metadata"]["name"] for each in of_kind(made, "PersistentVolumeClaim")} | {"clones"}
    for who, pod in pods(made):
        assert pod["spec"]["serviceAccountName"] in accounts, who
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for container in containers(pod):
            for mount in container["volumeMounts"]:
                volume = volumes[mount["name"]]
                if "configMap" in volume and "subPath" in mount:
                    assert mount["subPath"] in maps[volume["configMap"]["name"]], who
                if "persistentVolumeClaim" in volume:
                    assert volume["persistentVolumeClaim"]["claimName"] in claims, who
            for source in container.get("envFrom", []):
                assert source["configMapRef"]["name"] in maps, who
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("configMapKeyRef")
                assert reference is None or reference["key"] in maps[reference["name"]], who


@each_set
def test_secrets_that_are_referred_to_are_those_of_the_examples(values: str) -> None:
    known = {each["metadata"]["name"]: set(each["stringData"]) for each in _example("secrets.yaml")}
    known |= {"wiki-pipeline-models": {"openai-api-key"}}  # of the set of values
    referred = set(_secret_references(objects(values)))
    assert referred
    for name, key in referred:
        assert key in known[name], f"{name} has no {key}"


def test_both_examples_make_the_same_secrets() -> None:
    plain = {each["metadata"]["name"]: set(each["stringData"]) for each in _example("secrets.yaml")}
    external = {
        each["spec"]["target"]["name"]: {one["secretKey"] for one in each["spec"]["data"]}
        for each in _example("external-secrets.yaml")
    }
    assert plain == external


def _example(name: str) -> list[Any]:
    return list(yaml.safe_load_all((chart.CHART / "examples" / name).read_text(encoding="utf-8")))


def _secret_references(value: Any) -> Iterator[tuple[str, str]]:
    """Every reference to a key of a Secret, in objects and in the YAML that config maps hold."""
    if isinstance(value, dict):
        for name, inside in value.items():
            if name in {"secretKeyRef", "credentials"}:
                yield inside["name"], inside["key"]
            elif name == "dagster.yaml":
                yield from _secret_references(yaml.safe_load(inside))
            else:
                yield from _secret_references(inside)
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _secret_references(inside)


@each_set
def test_a_change_of_what_pods_read_rolls_them(values: str) -> None:
    changed = objects(values, "settings.WIKI_PIPELINE_TENANT=other")
    before = {who: pod for who, pod in pods(objects(values)) if who.startswith("Deployment")}
    after = {who: pod for who, pod in pods(changed) if who.startswith("Deployment")}
    assert before.keys() == after.keys()
    for who, pod in before.items():
        assert pod["metadata"]["annotations"] != after[who]["metadata"]["annotations"], who


# --- what pods may do ---


@each_set
def test_pods_keep_the_restricted_standard(values: str) -> None:
    """Every rule of Pod Security Standards, `restricted`; and a root file system that can't be written."""
    made = objects(values)
    specs = {who: pod["spec"] for who, pod in pods(made)}
    for who, spec in specs.items():
        _check_restricted(who, spec)
    if values != "stateless":
        launcher = _launcher(made)
        config = launcher["run_k8s_config"]["pod_spec_config"]
        run = {
            "securityContext": config["security_context"],
            "volumes": launcher["volumes"],
            "containers": [{"securityContext": launcher["security_context"], "resources": launcher["resources"]}],
        }
        _check_restricted("run", run)


def _check_restricted(who: str, spec: Mapping[str, Any]) -> None:
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & {name for name, on in spec.items() if on}, who
    assert spec["securityContext"]["runAsNonRoot"] is True, who
    assert spec["securityContext"]["runAsUser"] == 10001, who
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, who
    assert not spec["securityContext"].get("sysctls"), who
    for volume in spec["volumes"]:
        (kind,) = set(volume) - {"name"}
        assert kind in {"emptyDir", "configMap", "persistentVolumeClaim"}, who
        assert kind != "emptyDir" or "sizeLimit" in volume["emptyDir"], f"{who}: a node's disk has an end"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        allowed = container["securityContext"]
        assert allowed["allowPrivilegeEscalation"] is False, who
        assert allowed["readOnlyRootFilesystem"] is True, who
        assert allowed["capabilities"] == {"drop": ["ALL"]}, who
        assert allowed["runAsNonRoot"] is True, who
        assert not allowed.get("privileged"), who
        assert "procMount" not in allowed, who
        assert all("hostPort" not in port for port in container.get("ports", [])), who
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), who
        assert "memory" in resources["limits"], who


@each_set
def test_images_do_not_move(values: str) -> None:
    for who, pod in pods(objects(values)):
        for container in containers(pod):
            assert re.search(r"(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$", container["image"]), who


@pytest.mark.parametrize("values", sorted(set(chart.SETS) - {"stateless"}))
def test_runs_have_the_image_of_the_code_location(values: str) -> None:
    made = objects(values)
    name = "knowledge" if values == "small" else chart.RELEASE
    (code,) = containers(named(made, "Deployment", f"{name}-code")["spec"]["template"])
    assert f"--container-image={code['image']}" in code["args"]
    assert _launcher(made)["job_image"] == code["image"]


def _calls() -> dict[str, set[str]]:
    """Verbs by resource that the client of dagster-k8s can use, read from its source."""
    source = inspect.getsource(dagster_k8s.client.DagsterKubernetesClient)
    calls: dict[str, set[str]] = {}
    for verb, what in re.findall(r"\.(create|read|list|delete|patch|replace)_namespaced_(\w+)", source):
        resource = {"job_status": "jobs/status", "pod_log": "pods/log"}.get(what, f"{what}s")
        resource = resource.removesuffix("_with_retriess")
        calls.setdefault(resource, set()).add("get" if verb == "read" else verb)
    return calls


def test_the_role_is_the_launchers_calls_and_no_more() -> None:
    """`get` of pods is asked for by dagster-k8s' pipes and its executor that makes a Job a step, which nothing here
    uses; the test on a played cluster shows that the launcher does not miss it."""
    calls = _calls()
    assert calls == {
        "jobs": {"create", "list", "delete"},
        "jobs/status": {"get"},
        "pods": {"get", "list", "delete"},
        "pods/log": {"get"},
        "events": {"list"},
    }
    granted = {
        resource: set(rule["verbs"])
        for rule in named(objects(), "Role", f"{chart.RELEASE}-launcher")["rules"]
        for resource in rule["resources"]
    }
    assert granted == {**calls, "pods": {"list", "delete"}}


@each_set
def test_tokens_are_where_jobs_are_started_and_nowhere_else(values: str) -> None:
    made = objects(values)
    tokens = {who for who, pod in pods(made) if pod["spec"]["automountServiceAccountToken"]}
    assert {who.split("-", 1)[1] for who in tokens} <= {"daemon", "webserver"}
    for account in of_kind(made, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    bound = {each["name"] for binding in of_kind(made, "RoleBinding") for each in binding["subjects"]}
    assert {name.split("-", 1)[1] for name in bound} == (set() if values == "stateless" else {"daemon", "webserver"})
    assert not of_kind(made, "ClusterRole", "ClusterRoleBinding")
    if values != "stateless":
        config = _launcher(made)
        assert config["run_k8s_config"]["pod_spec_config"]["automount_service_account_token"] is False


def test_a_run_may_be_sized_by_its_tags_and_not_more() -> None:
    launcher = _launcher(objects())
    assert launcher["only_allow_user_defined_k8s_config_fields"] == {"container_config": {"resources": True}}
    assert launcher["only_allow_user_defined_env_vars"] == []


@pytest.mark.parametrize("values", ["default", FULL])
def test_secrets_reach_those_who_need_them(values: str) -> None:
    made = objects(values)
    have = {who: {name for name, _ in _secret_references(pod)} for who, pod in pods(made)}
    have["Run"] = {name for name, _ in _secret_references(_launcher(made))}
    with_credentials = {who for who, names in have.items() if "wiki-pipeline-sources" in names}
    assert with_credentials == {f"Deployment {chart.RELEASE}-code", "Run"}
    with_tokens = {who for who, names in have.items() if "wiki-pipeline-gateway" in names}
    assert with_tokens == {f"Deployment {chart.RELEASE}-gateway"}
    assert have[f"Deployment {chart.RELEASE}-daemon"] == {"wiki-pipeline-database"}
    assert not [each for each in objects(values) if each["kind"] == "Secret"], "secrets come from elsewhere"


# --- who reaches whom ---


def _targets(made: Any, component: str) -> set[str]:
    """Networks that pods of a component may reach."""
    labels = {"app.kubernetes.io/name": "wiki-pipeline", "app.kubernetes.io/instance": chart.RELEASE}
    labels["app.kubernetes.io/component"] = component
    reached = set()
    for policy in of_kind(made, "NetworkPolicy"):
        if _matches(policy["spec"]["podSelector"].get("matchLabels", {}), labels):
            for rule in policy["spec"].get("egress", []):
                for peer in rule.get("to", [{"ipBlock": {"cidr": "anywhere"}}]):
                    reached.add(peer.get("ipBlock", {}).get("cidr", "inside"))
    return reached


def test_only_runs_and_the_code_location_reach_sources() -> None:
    made = objects("narrow")
    every = {_labels(pod)["app.kubernetes.io/component"] for pod in _all_pods(made).values()}
    reach = {component: _targets(made, component) for component in every}
    assert {component for component, networks in reach.items() if "10.4.0.0/24" in networks} == {"run", "code"}
    assert {component for component, networks in reach.items() if "10.0.0.1/32" in networks} == {"daemon", "webserver"}
    assert not any("anywhere" in networks for networks in reach.values())
    assert reach["webserver-readonly"] == {"10.1.0.10/32", "10.2.0.0/24", "inside"}
    assert reach["daemon"] == {"10.1.0.10/32", "10.0.0.1/32", "inside"}


@each_set
def test_nothing_is_reached_that_is_not_named(values: str) -> None:
    made = objects(values)
    deny = [each for each in of_kind(made, "NetworkPolicy") if each["metadata"]["name"].endswith("-default-deny")]
    assert len(deny) == 1
    assert set(deny[0]["spec"]) == {"podSelector", "policyTypes"}
    assert deny[0]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for who, pod in _all_pods(made).items():
        assert _matches(deny[0]["spec"]["podSelector"]["matchLabels"], _labels(pod)), who
    entered = {
        each["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        for each in of_kind(made, "NetworkPolicy")
        if each["spec"].get("ingress")
    }
    open_doors = {"gateway"} if values == "stateless" else {"gateway", "code", "webserver", "webserver-readonly"}
    assert entered == open_doors


def test_code_is_reached_by_the_daemon_and_the_webservers_only() -> None:
    policy = named(objects(), "NetworkPolicy", f"{chart.RELEASE}-code")
    (rule,) = policy["spec"]["ingress"]
    peers = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]}
    assert peers == {"daemon", "webserver", "webserver-readonly"}
    assert rule["ports"] == [{"protocol": "TCP", "port": "grpc"}]


# --- what is one of its kind, and how it ends ---


@pytest.mark.parametrize("values", sorted(set(chart.SETS) - {"stateless"}))
def test_what_must_be_single_is(values: str) -> None:
    for each in of_kind(objects(values), "Deployment"):
        single = each["metadata"]["name"].endswith(("-daemon", "-code"))
        assert (each["spec"]["strategy"]["type"] == "Recreate") == single
        assert not single or each["spec"]["replicas"] == 1
    guarded = {each["metadata"]["name"].split("-", 1)[1] for each in of_kind(objects(values), "PodDisruptionBudget")}
    assert guarded == {"gateway"}, "a budget of one pod would hold up the drain of its node"


def test_the_stateless_flavour_is_the_gateway_alone() -> None:
    made = objects("stateless")
    assert [each["metadata"]["name"] for each in of_kind(made, "Deployment")] == ["wiki-gateway"]
    assert of_kind(made, "Deployment")[0]["spec"]["replicas"] == 2
    assert not of_kind(made, "Job", "CronJob", "PersistentVolumeClaim", "Role")
    settings = named(made, "ConfigMap", "wiki-settings")["data"]
    assert settings["WIKI_PIPELINE_MODE"] == "stateless"
    assert not [name for name in settings if "DATABASE" in name or "STORAGE" in name]


@pytest.mark.parametrize("values", ["default", FULL])
def test_probes_of_the_webservers_ask_by_a_name_that_they_answer_for(values: str) -> None:
    for each in of_kind(objects(values), "Deployment"):
        if "webserver" not in each["metadata"]["name"]:
            continue
        (container,) = containers(each["spec"]["template"])
        allowed = {argument.removeprefix("--allow-host=") for argument in container["args"]}
        assert each["metadata"]["name"] in allowed
        assert ("--read-only" in container["args"]) == each["metadata"]["name"].endswith("-readonly")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            (host,) = container[probe]["httpGet"]["httpHeaders"]
            assert host["value"] in allowed
    made = objects(FULL)
    hosts = {rule["host"] for each in of_kind(made, "Ingress") for rule in each["spec"]["rules"]}
    (writing,) = containers(named(made, "Deployment", "wiki-webserver")["spec"]["template"])
    assert "--allow-host=dagster-admin.company.com" in writing["args"]
    assert "dagster-admin.company.com" in hosts


def test_the_writing_webserver_is_behind_a_login() -> None:
    ingress = named(objects(FULL), "Ingress", "wiki-webserver")
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/auth-url"].endswith("/oauth2/auth")
    for each in of_kind(objects(FULL), "Ingress"):
        assert int(each["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"]) >= 3600


def test_dagster_is_set_as_on_a_laptop_where_nothing_else_is_needed() -> None:
    laptop = yaml.safe_load((tools.ROOT / "wiki_pipeline" / "defs" / "dagster.yaml").read_text(encoding="utf-8"))
    cluster = chart.dagster_yaml(objects())
    laptop["concurrency"]["runs"]["max_concurrent_runs"] = cluster["concurrency"]["runs"]["max_concurrent_runs"]
    for section in ("concurrency", "run_queue", "run_retries", "sensors", "schedules", "retention", "telemetry", "nux"):
        assert cluster[section] == laptop[section], section
    assert cluster["run_monitoring"]["max_resume_run_attempts"] == 0
    assert cluster["storage"]["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert "password" not in cluster["storage"]["postgres"]["postgres_db"]


def test_the_same_storage_is_migrated_as_is_used() -> None:
    made = objects()
    migrated = yaml.safe_load(named(made, "ConfigMap", "wiki-migration")["data"]["dagster.yaml"])
    assert migrated["storage"] == chart.dagster_yaml(made)["storage"]
    settings = dict(named(made, "ConfigMap", "wiki-migration")["data"])
    settings.pop("dagster.yaml")
    assert settings == named(made, "ConfigMap", "wiki-settings")["data"]
    assert dg.__version__.startswith("1.13."), "dagster.yaml's names are those of this version"


# --- what is watched ---


def test_alerts_and_dashboard_ask_for_metrics_that_exist(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        metrics = Metrics(catalog, lambda: ["default"])
        metrics.delivered("confluence-updated", "page_updated", "accepted")
        known = {line.split("{")[0].split(" ")[0] for line in metrics.text().decode().splitlines() if line[0] != "#"}
    made = objects(FULL)
    asked = re.findall(r"wiki_pipeline_\w+", yaml.safe_dump(of_kind(made, "PrometheusRule")[0]["spec"]))
    asked += re.findall(r"wiki_pipeline_\w+", named(made, "ConfigMap", "wiki-dashboard")["data"]["wiki-pipeline.json"])
    assert asked
    assert set(asked) <= known, set(asked) - known
