"""A Kubernetes that is played: an API server that is as strict as a real one about bodies and rights, and that runs
pods as processes of this machine.

Bodies are checked by the schemas that Kubernetes publishes, each call by the Role that the chart renders for the
caller's account. Pods get the variables, files and folders that their manifests say, with the folder of the pod as
their root: paths of mounts are put there. What it does not have: nodes, a scheduler, images, networks and network
policies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from wiki_pipeline_tests import children
from wiki_pipeline_tests.deploy import tools
from wiki_pipeline_tests.deploy.chart import Object, named, of_kind

_PATH = re.compile(
    r"^/(?:api/v1|apis/batch/v1)/namespaces/(?P<namespace>[^/]+)/(?P<resource>jobs|pods|events)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<part>status|log))?$"
)
_KINDS = {"jobs": ("batch/v1", "Job"), "pods": ("v1", "Pod"), "events": ("v1", "Event")}
_PROGRAMS = str(Path(sys.executable).parent)


class Pod:
    """A process with the variables, files and folders of a pod."""

    def __init__(self, cluster: PlayedCluster, name: str, template: Object, changed: Mapping[str, str]) -> None:
        self.name = name
        self.template = template
        self.root = cluster.folder / "pods" / name
        self.process: subprocess.Popen[bytes] | None = None
        self._cluster = cluster
        self._changed = changed
        self._mounts: list[str] = []

    @property
    def log(self) -> Path:
        """What it says."""
        return self.root / "log.txt"

    def start(self) -> None:
        """Start its container."""
        (container,) = self.template["spec"]["containers"]
        self._mount(container)
        environment = {
            **{
                name: os.environ[name]
                for name in ("PYTHONPATH", children.MARK, "STARTED_BY_THE_SUITE")
                if name in os.environ
            },
            "PATH": f"{_PROGRAMS}:/usr/bin:/bin",
            "HOME": str(self.root / "tmp"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: self._inside(value) for name, value in self._cluster.variables(container).items()},
            **{name: value for name, value in self._changed.items() if not name.startswith("-")},
        }
        if self.template["spec"].get("automountServiceAccountToken"):
            environment["KUBECONFIG"] = str(self._cluster.kubeconfig(self.template["spec"]["serviceAccountName"]))
        arguments = [self._inside(self._changed.get(argument, argument)) for argument in container["args"]]
        with self.log.open("ab") as log, children.default_signals():
            self.process = subprocess.Popen(
                [shutil.which(arguments[0], path=_PROGRAMS) or arguments[0], *arguments[1:]],
                env=environment,
                cwd=self.root / "var/lib/wiki-pipeline",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, grace: float) -> None:
        """Tell it to stop as the kubelet does, and kill what is left after its grace."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """Take it away at once, with all that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)

    def _mount(self, container: Object) -> None:
        volumes = {volume["name"]: volume for volume in self.template["spec"].get("volumes") or []}
        for mount in sorted(container["volumeMounts"], key=lambda each: len(each["mountPath"])):
            place = self.root / mount["mountPath"].lstrip("/")
            volume = volumes[mount["name"]]
            if volume.get("configMap"):
                content = self._cluster.config_map(volume["configMap"]["name"])[mount["subPath"]]
                place.write_text(content.replace("/tmp/", f"{self.root}/tmp/"), encoding="utf-8")  # noqa: S108 - the pod's
            else:
                place.mkdir(parents=True, exist_ok=True)
                self._mounts.append(mount["mountPath"])

    def _inside(self, value: str) -> str:
        for path in self._mounts:
            value = re.sub(rf"(?<![\w.-]){re.escape(path)}(?=/|$)", f"{self.root}{path}", value)
        return value


@dataclass
class Job:
    """A Job, and its pod."""

    body: dict[str, Any]
    pod: Pod
    lost: bool = False
    gone: bool = False
    made: float = field(default_factory=time.monotonic)

    def status(self) -> dict[str, Any]:
        """As the Job controller tells it."""
        process = self.pod.process
        if self.lost or (process is not None and process.poll() not in {None, 0}):
            return {"failed": 1}
        if process is not None and process.poll() == 0:
            return {"succeeded": 1}
        return {"active": 1}


class PlayedCluster:
    """The API server, and all that runs.

    Attributes:
        jobs: by name, those that were deleted too.
        calls: verbs and resources that were asked for, by account.
        violations: what a real one would have refused.
        full: no node has room: pods of Jobs wait.
    """

    def __init__(self, made: Sequence[Object], secrets: Mapping[str, Mapping[str, str]], folder: Path) -> None:
        self.folder = folder
        self.jobs: dict[str, Job] = {}
        self.calls: set[tuple[str, str, str]] = set()
        self.violations: list[str] = []
        self.full = False
        self.run_changes: dict[str, str] = {}
        self._made = made
        self._secrets = secrets
        self._maps = {each["metadata"]["name"]: dict(each["data"]) for each in of_kind(made, "ConfigMap")}
        self._accounts = {
            each["metadata"]["name"]: f"token-of-{each['metadata']['name']}" for each in of_kind(made, "ServiceAccount")
        }
        self._rules = _rules(made)
        self._schema = tools.schema("job-batch-v1")
        self._pods: list[Pod] = []
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> PlayedCluster:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for pod in reversed(self._pods):
            pod.kill()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    # --- what the chart made ---

    def config_map(self, name: str) -> dict[str, str]:
        """The data of a config map; may be changed before pods start."""
        return self._maps[name]

    def start(self, deployment: str, name: str = "", changed: Mapping[str, str] | None = None) -> Pod:
        """Start a pod of a Deployment, or the Job of that name.

        Args:
            changed: variables and arguments of this machine in place of the manifest's, as ports.
        """
        kind = "Job" if deployment.endswith("-migration") else "Deployment"
        template = named(self._made, kind, deployment)["spec"]["template"]
        return self._started(Pod(self, name or deployment, template, changed or {}))

    def pod(self, name: str) -> Pod:
        """A pod of a Deployment, by its name."""
        (found,) = (pod for pod in self._pods if pod.name == name)
        return found

    def _started(self, pod: Pod) -> Pod:
        pod.root.mkdir(parents=True, exist_ok=True)
        self._pods.append(pod)
        pod.start()
        return pod

    def variables(self, container: Object) -> dict[str, str]:
        """A container's variables, with what its config maps and Secrets hold."""
        found: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            found |= self._maps[source["configMapRef"]["name"]]
        for variable in container.get("env") or []:
            if "value" in variable:
                found[variable["name"]] = variable["value"]
                continue
            source = variable["valueFrom"]
            if "secretKeyRef" in source:
                found[variable["name"]] = self._secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
            else:
                found[variable["name"]] = self._maps[source["configMapKeyRef"]["name"]][
                    source["configMapKeyRef"]["key"]
                ]
        return found

    def kubeconfig(self, account: str) -> Path:
        """How a pod of an account reaches the API server."""
        host, port = self._server.server_address[:2]
        name = "here"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": f"http://{host!s}:{port}"}}],
            "users": [{"name": name, "user": {"token": self._accounts[account]}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "wiki"}}],
        }
        path = self.folder / f"kubeconfig-{account}"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    # --- what happens to nodes ---

    def running(self) -> list[Job]:
        """Jobs whose pod runs."""
        with self._lock:
            return [
                job for job in self.jobs.values() if not job.gone and job.status() == {"active": 1} and job.pod.process
            ]

    def make_room(self) -> None:
        """Nodes have room again: pods that waited start, those of Jobs that nobody waits for any more too."""
        with self._lock:
            self.full = False
            for job in self.jobs.values():
                if job.pod.process is None and not job.gone:
                    self._started(job.pod)

    def lose_node(self, job: Job) -> None:
        """The node of a Job's pod is gone, and the pod with it: nobody told it to stop."""
        job.pod.kill()
        with self._lock:
            job.lost = True

    # --- what the API server answers ---

    def answer(self, method: str, address: str, token: str, body: bytes) -> tuple[int, Any]:
        """Answer a call."""
        parts = urlsplit(address)
        found = _PATH.match(parts.path)
        account = next((name for name, held in self._accounts.items() if f"Bearer {held}" == token), None)
        if account is None:
            return _refused(401, "Unauthorized")
        if found is None or found["namespace"] != "wiki":
            self.violations.append(f"{account}: {method} {address}")
            return _refused(403, "Forbidden")
        resource = found["resource"] + (f"/{found['part']}" if found["part"] else "")
        verb = {"POST": "create", "DELETE": "delete", "GET": "get" if found["name"] else "list"}.get(method, method)
        with self._lock:
            self.calls.add((account, verb, resource))
            if (account, verb, resource) not in self._rules:
                self.violations.append(f"{account} may not {verb} {resource}")
                return _refused(403, f"{account} may not {verb} {resource}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return self._allowed(verb, resource, found["name"] or "", query, body)

    def _allowed(self, verb: str, resource: str, name: str, query: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        if (verb, resource) == ("create", "jobs"):
            return self._create(json.loads(body))
        if resource == "jobs/status":
            job = self._job(name)
            return (200, self._as_job(job)) if job else _refused(404, "NotFound")
        if (verb, resource) == ("delete", "jobs"):
            return self._delete_job(name)
        if (verb, resource) == ("delete", "pods"):
            return self._delete_pod(name)
        if resource == "pods/log":
            pod = next((job.pod for job in self.jobs.values() if job.pod.name == name), None)
            return (200, pod.log.read_text() if pod and pod.log.exists() else "")
        listing: dict[str, list[Any]] = {"jobs": self._jobs(query), "pods": self._pods_of(query), "events": []}
        version, kind = _KINDS[resource]
        return 200, {"apiVersion": version, "kind": f"{kind}List", "metadata": {}, "items": listing[resource]}

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        wrong = [
            f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in self._schema.iter_errors(body)
        ]
        if wrong:
            self.violations += wrong
            return _refused(422, "; ".join(wrong))
        name = body["metadata"]["name"]
        if self._job(name):
            return _refused(409, "AlreadyExists")
        job = Job(body, Pod(self, name, body["spec"]["template"], self.run_changes))
        self.jobs[name] = job
        if not self.full:
            self._started(job.pod)
        return 201, self._as_job(job)

    def _delete_job(self, name: str) -> tuple[int, Any]:
        job = self._job(name)
        if job is None:
            return _refused(404, "NotFound")
        job.gone = True  # its pods stay, as they do when no propagation is asked for
        return 200, {"apiVersion": "v1", "kind": "Status", "status": "Success"}

    def _delete_pod(self, name: str) -> tuple[int, Any]:
        job = next((each for each in self.jobs.values() if each.pod.name == name), None)
        if job is None or job.lost:
            return _refused(404, "NotFound")
        grace = float(job.body["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30))
        threading.Thread(target=job.pod.end, args=(grace,), daemon=True).start()
        return 200, self._as_pod(job)

    def _job(self, name: str) -> Job | None:
        job = self.jobs.get(name)
        return None if job is None or job.gone else job

    def _jobs(self, query: Mapping[str, str]) -> list[Any]:
        wanted = query.get("fieldSelector", "").removeprefix("metadata.name=")
        return [self._as_job(job) for name, job in self.jobs.items() if not job.gone and wanted in {"", name}]

    def _pods_of(self, query: Mapping[str, str]) -> list[Any]:
        by_label = query.get("labelSelector", "").removeprefix("job-name=")
        by_name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        return [
            self._as_pod(job)
            for name, job in self.jobs.items()
            if not job.lost and by_label in {"", name} and by_name in {"", job.pod.name}
        ]

    def _as_job(self, job: Job) -> Any:
        return {**job.body, "status": job.status()}

    def _as_pod(self, job: Job) -> Any:
        template = job.body["spec"]["template"]
        phase = {"active": "Running", "failed": "Failed", "succeeded": "Succeeded"}[next(iter(job.status()))]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": job.pod.name},
            "spec": template["spec"],
            "status": {"phase": "Pending" if job.pod.process is None else phase, "containerStatuses": []},
        }


def _rules(made: Sequence[Object]) -> set[tuple[str, str, str]]:
    """Account, verb and resource of all that is allowed."""
    rules: set[tuple[str, str, str]] = set()
    for binding in of_kind(made, "RoleBinding"):
        role = named(made, binding["roleRef"]["kind"], binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            for rule in role["rules"]:
                rules |= {(subject["name"], verb, resource) for verb in rule["verbs"] for resource in rule["resources"]}
    return rules


def _refused(code: int, reason: str) -> tuple[int, Any]:
    return code, {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": reason,
    }


def _handler(cluster: PlayedCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            code, answer = cluster.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(code)
            self.send_header("content-type", "text/plain" if isinstance(answer, str) else "application/json")
            content = text.encode()
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _serve  # noqa: N815 - the names that the library calls

        def log_message(self, *_: Any) -> None:
            """Nothing: what was called is in `calls`."""

    return Handler
