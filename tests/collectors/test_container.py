"""The container section: by which marks a container, a scheduler, a service is known."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import container as section
from envprint.core.fingerprint import Unknown
from tests.builders.support import host


def machine(release: str = "6.1.0-18-amd64", **answers: Any) -> Any:
    return host(system={"system": "Linux", "release": release}, **answers)


def test_a_plain_machine_is_in_nothing() -> None:
    assert section.collect(machine(read={"/proc/self/cgroup": "0::/user.slice\n"})) == {
        "kind": None,
        "image": None,
        "memory_limit_bytes": None,
        "scheduler": None,
        "notebook_service": None,
    }


def test_podman_names_its_image_when_privileged() -> None:
    text = 'engine="podman-4.9.3"\nname="x"\nimage="docker.io/library/python:3.11"\nimageid="9"\n'
    files = {
        "/run/.containerenv": text,
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/memory.max": "8589934592\n",
    }
    assert section.collect(machine(read=files, environ={"container": "oci"})) == {
        "kind": "podman",
        "image": "docker.io/library/python:3.11",
        "memory_limit_bytes": 8589934592,
        "scheduler": None,
        "notebook_service": None,
    }


def test_an_image_that_cannot_be_seen_is_unknown_and_not_absent() -> None:
    read = section.collect(machine(read={"/.dockerenv": ""}))
    assert (read["kind"], read["image"]) == (
        "docker",
        Unknown("docker does not show the image's name inside the container"),
    )


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"environ": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}}, "kubernetes"),
        ({"read": {"/.singularity.d/runscript": ""}}, "apptainer"),
        ({"read": {"/run/.containerenv": ""}}, "podman"),
        ({"read": {"/run/systemd/container": "systemd-nspawn\n"}}, "systemd-nspawn"),
        ({"environ": {"container": "lxc"}}, "lxc"),
        ({"read": {"/proc/self/cgroup": "1:cpu:/kubepods/besteffort/pod1\n"}}, "kubernetes"),
        ({"read": {"/proc/self/cgroup": "1:cpu:/docker/3f9c\n"}}, "docker"),
        ({"read": {"/proc/self/cgroup": "1:cpu:/lxc/web\n"}}, "lxc"),
        ({"release": "5.15.153.1-microsoft-standard-WSL2"}, "wsl"),
        ({"release": "4.4.0-19041-Microsoft"}, "wsl"),
        ({"release": "5.15-microsoft", "read": {"/.dockerenv": ""}}, "docker"),
        ({"read": {"/run/systemd/container": "\n"}}, None),
    ],
)
def test_each_kind_is_known_by_its_mark(answers: dict[str, Any], kind: str | None) -> None:
    assert section.collect(machine(**answers))["kind"] == kind


def test_wsl_has_no_image() -> None:
    assert section.collect(machine("5.15-microsoft-standard-WSL2"))["image"] is None


def test_a_mark_that_may_not_be_read_leaves_kind_and_image_unknown() -> None:
    read = section.collect(machine(read={"/run/systemd/container": {"error": "EACCES"}}))
    reason = Unknown("/run/systemd/container: Permission denied")
    assert (read["kind"], read["image"]) == (reason, reason)


def test_an_image_name_in_a_variable_loses_its_credentials() -> None:
    read = section.collect(
        machine(
            read={"/.singularity.d/env": ""},
            environ={"APPTAINER_CONTAINER": "docker://me:secret@registry.example/tf:2"},
        )
    )
    assert read["image"] == "docker://<hidden>@registry.example/tf:2"


@pytest.mark.parametrize(
    ("variables", "scheduler", "service"),
    [
        ({"SLURM_JOB_ID": "7"}, "slurm", None),
        ({"PBS_JOBID": "7.head"}, "pbs", None),
        ({"LSB_JOBID": "7"}, "lsf", None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes", None),
        ({"SLURM_JOB_ID": ""}, None, None),
        ({"COLAB_GPU": "1", "COLAB_RELEASE_TAG": "r"}, None, "colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_GPU": "1"}, None, "kaggle"),
        ({"DATABRICKS_RUNTIME_VERSION": "15.4"}, None, "databricks"),
        ({"SAGEMAKER_APP_TYPE": "JupyterLab"}, None, "sagemaker"),
        ({"AZUREML_RUN_ID": "x"}, None, "azureml"),
    ],
)
def test_jobs_and_notebooks_are_known_by_their_variables(
    variables: dict[str, str], scheduler: str | None, service: str | None
) -> None:
    read = section.collect(machine(environ=variables))
    assert (read["scheduler"], read["notebook_service"]) == (scheduler, service)


GROUP = "/sys/fs/cgroup"


@pytest.mark.parametrize(
    ("read", "limit"),
    [
        ({"/proc/self/cgroup": "0::/\n", f"{GROUP}/memory.max": "max\n"}, None),
        (
            {
                "/proc/self/cgroup": "0::/a/../b\n",
                f"{GROUP}/a/memory.max": "4096\n",
                f"{GROUP}/memory.max": "8192\n",
            },
            4096,
        ),
        (
            {
                "/proc/self/cgroup": "9:memory:/docker/3f9c\n0::/\n",
                f"{GROUP}/memory/memory.limit_in_bytes": "2147483648\n",
            },
            2147483648,
        ),
        (
            {
                "/proc/self/cgroup": "9:memory:/\n",
                f"{GROUP}/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
        ),
    ],
)
def test_the_tightest_memory_limit_counts(read: dict[str, str], limit: int | None) -> None:
    assert section.collect(machine(read=read))["memory_limit_bytes"] == limit


def test_a_limit_that_is_not_a_number_is_unknown() -> None:
    files = {"/proc/self/cgroup": "0::/\n", f"{GROUP}/memory.max": "plenty\n"}
    assert isinstance(section.collect(machine(read=files))["memory_limit_bytes"], Unknown)
