"""Small records of other tools, in their own words, and how tests read one."""

from __future__ import annotations

import json

from envprint.core.fingerprint import Fingerprint
from envprint.documents.codec import dumps, loads
from envprint.importers import imported

FREEZE = """\
absl-py==2.1.0
certifi==2024.8.30
-e git+https://github.com/o/r@7e1c0ffee7e1c0ffee7e1c0ffee7e1c0ffee7e1c#egg=r
# Editable install with no version control (mine==0.1)
-e /home/ann/mine
grpcio==1.66.1
idna==3.10
local @ file:///home/ann/wheels/local-1.5-py3-none-any.whl
numpy==1.26.4
six==1.16.0
tensorflow==2.16.1
zope.interface==7.0
"""
SHORT_FREEZE = "numpy==2.4.6\nmlflow==3.17.2\n"
REQUIREMENTS = """\
# made by a resolver
--index-url https://index.example.org/simple
numpy==1.26.4 \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via torch
torch>=2.1 ; python_version < "3.13"
jax[cuda12]
lib @ https://example.org/lib-0.3-py3-none-any.whl
-r more.txt
"""
PIP_LIST = """\
Package      Version      Editable project location
------------ ------------ -------------------------
numpy        1.26.4
mine         0.1          /home/ann/mine
torch        2.1.0+cu121
"""
PIP_LIST_JSON = json.dumps(
    [{"name": "numpy", "version": "1.26.4"}, {"name": "Six", "version": "1"}]
)
PIP_INSPECT = json.dumps(
    {
        "version": "1",
        "installed": [
            {"metadata": {"name": "numpy", "version": "1.26.4"}, "installer": "pip"},
            {
                "metadata": {"name": "mine", "version": "0.1", "author_email": "ann@example.org"},
                "direct_url": {"url": "file:///home/ann/mine", "dir_info": {"editable": True}},
            },
            {
                "metadata": {"name": "r", "version": "2"},
                "direct_url": {
                    "url": "https://ann:pw@example.org/o/r",
                    "vcs_info": {"vcs": "git", "commit_id": "7e1c"},
                },
                "installer": "uv",
            },
        ],
        "environment": {
            "python_full_version": "3.11.7",
            "implementation_name": "cpython",
            "platform_system": "Linux",
            "platform_release": "6.1.0-18-amd64",
            "platform_machine": "x86_64",
            "platform_node": "anns-box",
        },
    }
)
CONDA_LIST = """\
# packages in environment at /home/ann/conda/envs/train:
#
# Name                    Version                   Build  Channel
_libgcc_mutex             0.1                        main
cudatoolkit               11.3.1               h2bc3f7f_2    conda-forge
numpy                     1.23.5           py39hf6e8229_1    conda-forge
python                    3.9.19               h955ad1f_1
pytorch                   2.1.0           py3.9_cuda12.1_cudnn8.9.2_0    pytorch
timm                      0.9.16                   pypi_0    pypi
"""
CONDA_LIST_JSON = json.dumps(
    [
        {
            "name": name,
            "version": version,
            "build_string": build,
            "channel": channel,
            "dist_name": "x",
        }
        for name, version, build, channel in (
            ("numpy", "1.23.5", "py39hf6e8229_1", "conda-forge"),
            ("python", "3.9.19", "h955ad1f_1", "pkgs/main"),
            ("timm", "0.9.16", "pypi_0", "pypi"),
        )
    ]
)
CONDA_EXPLICIT = """\
# platform: linux-64
@EXPLICIT
https://conda.example.org/pkgs/main/linux-64/numpy-1.23.5-py39hf6e8229_1.conda#0f1c
https://conda.example.org/t/tk-123/x/noarch/tzdata-2024a-h04d1e81_0.tar.bz2
https://conda.example.org/pkgs/main/linux-64/python-3.9.19-h955ad1f_1.conda
"""
CONDA_EXPORT = """\
name: train
channels:
  - conda-forge
dependencies:
  - numpy=1.23.5=py39hf6e8229_1
  - python=3.9.19=h955ad1f_1
  - pip:
      - timm==0.9.16
prefix: /home/ann/conda/envs/train
"""
CONDA_FROM_HISTORY = """\
name: train
channels:
  - conda-forge
dependencies:
  - python=3.10
  - pytorch-lightning=1.8.6
  - torchvision
prefix: /home/ann/conda/envs/train
"""
NVIDIA_XML = """\
<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <timestamp>Thu Aug  6 01:03:40 2026</timestamp>
  <driver_version>550.54.14</driver_version>
  <cuda_version>12.4</cuda_version>
  <attached_gpus>1</attached_gpus>
  <gpu id="00000000:06:00.0">
    <product_name>NVIDIA A100-SXM4-40GB</product_name>
    <product_architecture>Ampere</product_architecture>
    <display_active>Disabled</display_active>
    <persistence_mode>Enabled</persistence_mode>
    <addressing_mode>None</addressing_mode>
    <mig_mode><current_mig>Disabled</current_mig><pending_mig>Disabled</pending_mig></mig_mode>
    <mig_devices>None</mig_devices>
    <driver_model><current_dm>N/A</current_dm><pending_dm>N/A</pending_dm></driver_model>
    <serial>1560000000000</serial>
    <uuid>GPU-00000000-1111-2222-3333-444444444444</uuid>
    <gpu_virtualization_mode>
      <virtualization_mode>Pass-Through</virtualization_mode>
    </gpu_virtualization_mode>
    <pci><pci_bus_id>00000000:06:00.0</pci_bus_id></pci>
    <clocks_event_reasons>
      <clocks_event_reason_gpu_idle>Active</clocks_event_reason_gpu_idle>
      <clocks_event_reason_sw_power_cap>Not Active</clocks_event_reason_sw_power_cap>
    </clocks_event_reasons>
    <fb_memory_usage>
      <total>40960 MiB</total><reserved>561 MiB</reserved>
      <used>1030 MiB</used><free>39368 MiB</free>
    </fb_memory_usage>
    <compute_mode>Default</compute_mode>
    <ecc_mode><current_ecc>Enabled</current_ecc><pending_ecc>Enabled</pending_ecc></ecc_mode>
    <temperature><gpu_temp>34 C</gpu_temp></temperature>
    <gpu_power_readings><current_power_limit>400.00 W</current_power_limit></gpu_power_readings>
    <clocks><sm_clock>210 MHz</sm_clock><mem_clock>1215 MHz</mem_clock></clocks>
    <max_clocks><sm_clock>1410 MHz</sm_clock><mem_clock>1215 MHz</mem_clock></max_clocks>
    <processes>
      <process_info>
        <pid>1842</pid><type>C</type>
        <process_name>/home/ann/venv/bin/python train.py --token abc</process_name>
        <used_memory>1000 MiB</used_memory>
      </process_info>
      <process_info>
        <pid>77</pid><type>G</type><process_name>[Insufficient Permissions]</process_name>
        <used_memory>N/A</used_memory>
      </process_info>
    </processes>
  </gpu>
</nvidia_smi_log>
"""
NVIDIA_TABLE = """\
Wed Nov 12 03:22:39 2025
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.14              Driver Version: 550.54.14      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
|   0  NVIDIA A100-SXM4-40GB          On  |   00000000:06:00.0 Off |                    0 |
| N/A   34C    P0             56W /  400W |    1030MiB /  40960MiB |      0%      Default |
|                                         |                        |             Disabled |
+-----------------------------------------+------------------------+----------------------+
|   1  NVIDIA A100-SXM4...            Off |   00000000:07:00.0 Off |                  Off |
| 30%   29C    P8             22W /  450W |     507MiB /  40960MiB |      0%   E. Process |
|                                         |                        |                  N/A |
+-----------------------------------------+------------------------+----------------------+

+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |
|        ID   ID                                                               Usage      |
|=========================================================================================|
|    0   N/A  N/A      1842      C   /home/ann/venv/bin/python                    1000MiB |
|    1   N/A  N/A        77    C+G   ...AAAAAAAA --shared-files                    480MiB |
+-----------------------------------------------------------------------------------------+
"""
COLLECT_ENV = """\
PyTorch version: 2.1.0+cu121
Is debug build: False
CUDA used to build PyTorch: 12.1
ROCM used to build PyTorch: N/A

OS: Ubuntu 22.04.4 LTS (x86_64)
GCC version: (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0
Libc version: glibc-2.35

Python version: 3.9.19 (main, Mar 21 2024, 17:11:28)  [GCC 11.2.0] (64-bit runtime)
Python platform: Linux-6.5.0-27-generic-x86_64-with-glibc2.35
Is CUDA available: True
CUDA runtime version: 12.3.107
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4080
Nvidia driver version: 535.161.07
cuDNN version: Could not collect

CPU:
Architecture:                    x86_64
CPU(s):                          16
Vendor ID:                       GenuineIntel
Model name:                      Intel(R) Xeon(R) CPU @ 2.20GHz
CPU family:                      6
Core(s) per socket:              8
Socket(s):                       1
Flags:                           fpu sse sse2 sse4_1 avx f16c fma avx2 avx512f

Versions of relevant libraries:
[pip3] numpy==1.23.5
[pip3] torch==2.1.0+cu121
[conda] numpy                     1.23.5           py39hf6e8229_1
"""
SEVERAL_GPUS = COLLECT_ENV.replace(
    " GPU 0: NVIDIA GeForce RTX 4080",
    " \nGPU 0: Tesla V100-SXM2-32GB\nGPU 1: Tesla V100-SXM2-32GB\n",
)
VLLM = """\
Collecting environment information...
==============================
        System Info
==============================
OS                           : Ubuntu 22.04.5 LTS (x86_64)
Libc version                 : glibc-2.35

==============================
       PyTorch Info
==============================
PyTorch version              : 2.6.0+cu124
CUDA used to build PyTorch   : 12.4
ROCM used to build PyTorch   : N/A

==============================
      Python Environment
==============================
Python version               : 3.12.11 (main, Jun 26 2025) [Clang 20.1.4 ] (64-bit runtime)
Python platform              : Linux-5.15.0-143-generic-x86_64-with-glibc2.35

==============================
       CUDA / GPU Info
==============================
GPU models and configuration : GPU 0: NVIDIA GeForce RTX 3090
Nvidia driver version        : 570.124.06

==============================
Versions of relevant libraries
==============================
[pip3] torch==2.6.0
[conda] Could not collect

==============================
         vLLM Info
==============================
vLLM Version                 : 0.8.5

==============================
     Environment Variables
==============================
LD_LIBRARY_PATH=/home/ann/cuda/lib64:/usr/local/cuda/lib64
NCCL_DEBUG=INFO
GITHUB_TOKEN=abcdef
"""
TRANSFORMERS_ENV = """\
- `transformers` version: 4.45.2
- Platform: Linux-5.15.0-122-generic-x86_64-with-glibc2.35
- Python version: 3.10.12
- Huggingface_hub version: 0.25.1
- Accelerate version: 0.34.2
- Accelerate config: \tnot found
- PyTorch version (GPU?): 2.4.0+cu121 (True)
- Tensorflow version (GPU?): not installed (NA)
- Using distributed or parallel set-up in script?: <fill in>
- GPU type: NVIDIA A100-SXM4-80GB
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "numpy"
version = "2.4.6"
[[packages]]
name = "r"
vcs = { type = "git", url = "https://example.org/o/r", commit-id = "7e1c" }
"""
UV_LOCK = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "mine"
version = "0.1"
source = { virtual = "." }

[[package]]
name = "numpy"
version = "2.4.6"
source = { registry = "https://index.example.org/simple" }

[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://index.example.org/simple" }

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.example.org/simple" }
"""
POETRY_LOCK = """\
# This file is automatically @generated by Poetry 2.1.1 and should not be changed by hand.

[[package]]
name = "numpy"
version = "2.4.6"
python-versions = ">=3.11"

[[package]]
name = "r"
version = "2"

[package.source]
type = "git"
url = "https://example.org/o/r.git"
resolved_reference = "7e1c"

[metadata]
lock-version = "2.1"
content-hash = "00"
"""
PIXI_LOCK = """\
version: 6
environments:
  default:
    channels:
    - url: https://conda.example.org/conda-forge/
    packages:
      linux-64:
      - conda: https://conda.example.org/conda-forge/linux-64/numpy-1.26.4-py311h64a7726_0.conda
      - conda: https://conda.example.org/conda-forge/linux-64/python-3.11.8-hab00c5b_0_cpython.conda
      - pypi: https://files.example.org/timm-0.9.16-py3-none-any.whl
packages:
- conda: https://conda.example.org/conda-forge/linux-64/numpy-1.26.4-py311h64a7726_0.conda
  sha256: "00"
  depends:
  - python >=3.11,<3.12.0a0
  license: BSD-3-Clause
- pypi: https://files.example.org/timm-0.9.16-py3-none-any.whl
  name: timm
  version: 0.9.16
  requires_dist:
  - torch>=1.7 ; extra == 'x'
"""
WANDB = json.dumps(
    {
        "os": "Linux-5.15.0-122-generic-x86_64-with-glibc2.35",
        "python": "CPython 3.11.7",
        "host": "anns-box",
        "email": "ann@example.org",
        "args": ["--token", "abc"],
        "codePath": "train.py",
        "root": "/home/ann/run",
        "cpu_count": 8,
        "cpu_count_logical": 16,
        "gpu_count": 1,
        "gpu_nvidia": [
            {"name": "Tesla T4", "memory_total": "16106127360", "architecture": "Turing"}
        ],
        "cudaVersion": "12.4",
        "cuda": None,
        "memory": {"total": "67108864000"},
        "git": {"remote": "https://x:tok@example.org/r.git", "commit": "7e1c0ffee7e1"},
    }
)
MLFLOW_PYTHON = """\
python: 3.11.7
build_dependencies:
- pip
- setuptools==84.2.1
dependencies:
- -r requirements.txt
"""
CYCLONEDX = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"authors": [{"name": "Ann", "email": "ann@example.org"}]},
        "components": [
            {"name": "numpy", "version": "2.4.6", "purl": "pkg:pypi/numpy@2.4.6"},
            {"name": "torch", "purl": "pkg:pypi/torch@2.1.0%2Bcu121?file_name=x"},
            {"name": "openssl", "purl": "pkg:deb/debian/openssl@3.0"},
        ],
    }
)
SAMPLES = {
    "collect-env": COLLECT_ENV,
    "conda-env": CONDA_EXPORT,
    "conda-explicit": CONDA_EXPLICIT,
    "conda-list": CONDA_LIST,
    "cyclonedx": CYCLONEDX,
    "mlflow-python-env": MLFLOW_PYTHON,
    "nvidia-smi-table": NVIDIA_TABLE,
    "nvidia-smi-xml": NVIDIA_XML,
    "pip-freeze": FREEZE,
    "pip-inspect": PIP_INSPECT,
    "pip-list": PIP_LIST,
    "pixi-lock": PIXI_LOCK,
    "poetry-lock": POETRY_LOCK,
    "pylock": PYLOCK,
    "requirements": REQUIREMENTS,
    "transformers-env": TRANSFORMERS_ENV,
    "uv-lock": UV_LOCK,
    "wandb-metadata": WANDB,
}
"""One of each form."""


def take_in(text: str | bytes, form: str | None = None) -> Fingerprint:
    """The record as a fingerprint that was written and read again, as `-o x.json` does it."""
    content = text.encode() if isinstance(text, str) else text
    found = imported(content, "record.txt", form)
    again = loads(dumps(found).encode("ascii"), "x.json")
    assert (again.facts, again.live, again.unknown) == (found.facts, found.live, found.unknown)
    return again


def version_of(found: Fingerprint, name: str) -> str | None:
    """The version of a distribution. Raises `UnknownValueError`."""
    version: str | None = found.value(f"facts.packages.distributions[{name}].version")
    return version
