"""The shapes in the published schema without its descriptions. Made of it by

python -m pytest --update-golden tests/documents/test_schema.py
"""

FINGERPRINT = """\
{"captured_at": "string", "captured_via": "string", "digest": "string", "digest_form":
"integer", "envprint_version": "string", "facts": {"code": {"branch": "string", "changed_files":
"integer", "commit": "string", "diff_digest": "string", "dirty": "boolean", "file_system":
"string", "repository": "string", "submodules": ["string", "map"]}, "container": {"image":
"string", "kind": "string", "memory_limit_bytes": "integer", "notebook_service": "string",
"scheduler": "string"}, "cpu": {"architecture": "string", "cores": "integer", "flags":
["string"], "level": "string", "microcode": "string", "model": "string", "old_microcode":
"boolean", "quota_cpus": "number", "sockets": "integer", "threads": "integer", "usable_threads":
"integer", "vendor": "string"}, "cuda": {"cublas": {"built": ["string", "map"], "installed":
[{"path": "string", "source": "string", "version": "string"}], "loaded": [{"path": "string",
"version": "string"}]}, "cudnn": {"built": ["string", "map"], "installed": [{"path": "string",
"source": "string", "version": "string"}], "loaded": [{"path": "string", "version": "string"}]},
"cufft": {"built": ["string", "map"], "installed": [{"path": "string", "source": "string",
"version": "string"}], "loaded": [{"path": "string", "version": "string"}]}, "cusolver":
{"built": ["string", "map"], "installed": [{"path": "string", "source": "string", "version":
"string"}], "loaded": [{"path": "string", "version": "string"}]}, "cusparse": {"built":
["string", "map"], "installed": [{"path": "string", "source": "string", "version": "string"}],
"loaded": [{"path": "string", "version": "string"}]}, "driver_library": {"compat": "boolean",
"directory": "string", "path": "string", "version": "string"}, "fabric_manager": "string",
"iommu": "string", "kernel_module_version": "string", "nccl": {"built": ["string", "map"],
"installed": [{"path": "string", "source": "string", "version": "string"}], "loaded": [{"path":
"string", "version": "string"}]}, "nvjitlink": {"built": ["string", "map"], "installed":
[{"path": "string", "source": "string", "version": "string"}], "loaded": [{"path": "string",
"version": "string"}]}, "nvrtc": {"built": ["string", "map"], "installed": [{"path": "string",
"source": "string", "version": "string"}], "loaded": [{"path": "string", "version": "string"}]},
"runtime": {"built": ["string", "map"], "installed": [{"path": "string", "source": "string",
"version": "string"}], "loaded": [{"path": "string", "version": "string"}]}, "shadowed":
["string"], "shadowed_for": [["string"], "map"], "supported_version": "string", "toolkits":
[{"path": "string"}, "map"], "uvm_device": "string"}, "determinism": {"switches": [{"source":
"string", "value": "string"}, "map"]}, "environ": {"changed_since_start": [{"now": "string",
"start": "string"}, "map"], "misspelt": ["string", "map"], "variables": ["string", "map"],
"world_size": {"processes": "integer", "variable": "string"}}, "frameworks": {"imported":
["string"], "jax": {"jaxlib_version": "string", "plugins": ["string", "map"],
"unknown_xla_flags": ["string"], "version": "string"}, "keras": {"backend": "string", "epsilon":
"number", "floatx": "string", "image_data_format": "string", "legacy_version": "string",
"version": "string"}, "numpy": {"blas": {"library": "string", "name": "string", "version":
"string"}, "version": "string"}, "scikit_learn": {"version": "string"}, "scipy": {"blas":
{"library": "string", "name": "string", "version": "string"}, "version": "string"},
"tensorflow": {"build": "string", "compute_capabilities": ["string"], "cuda_version": "string",
"cudnn_version": "string", "distribution": "string", "version": "string"}, "torch": {"build":
"string", "cuda_version": "string", "cudnn_version": "string", "git_version": "string",
"version": "string"}}, "gpu": {"count": "integer", "devices": [{"addressing_mode": "string",
"architecture": "string", "bus_id": "string", "clock_memory_max_mhz": "integer",
"clock_sm_max_mhz": "integer", "compute_capability": "string", "compute_mode": "string",
"driver_model": "string", "ecc_mode": "string", "ecc_mode_pending": "string",
"memory_total_bytes": "integer", "mig_devices": [{"compute_instance": "integer", "gpu_instance":
"integer", "memory_total_bytes": "integer", "name": "string", "sm_count": "integer", "uuid":
"string"}], "mig_mode": "string", "mig_mode_pending": "string", "name": "string",
"persistence_mode": "boolean", "power_limit_w": "number", "shares_system_memory": "boolean",
"sm_count": "integer", "uuid": "string", "virtualization_mode": "string"}, "map"],
"driver_version": "string", "library_path": "string", "nvml_version": "string", "status":
"string", "visible": ["string"]}, "math": {"blas": [{"library": "string", "name": "string",
"owner": "string", "version": "string"}], "libm": "string", "loaded": [{"library": "string",
"name": "string", "version": "string"}], "openmp": [{"library": "string", "name": "string",
"owner": "string"}], "thread_pools": [{"api": "string", "architecture": "string", "library":
"string", "name": "string", "threading_layer": "string", "threads": "integer", "version":
"string"}]}, "os": {"distribution": "string", "distribution_name": "string", "kernel_release":
"string", "kernel_version": "string", "libc": "string", "locale": "string", "system": "string",
"time_zone": "string"}, "packages": {"conda": [{"build": "string", "channel": "string",
"version": "string"}, "map"], "distributions": [{"build_id": "string", "installer": "string",
"location": "string", "origin": {"commit": "string", "kind": "string", "url": "string", "vcs":
"string"}, "tags": ["string"], "takes_part": "boolean", "version": "string"}, "map"],
"duplicates": [[{"location": "string", "version": "string"}], "map"], "edited": [["string"],
"map"], "files_verified": "boolean", "requested": ["string"], "unmet": [[{"installed": "string",
"name": "string", "specifier": "string"}], "map"]}, "probes": {"imports": [{"error": "string",
"module": "string", "ok": "boolean", "used": "boolean", "version": "string"}, "map"], "numeric":
[{"device": "string", "digests": ["string", "map"], "revision": "string", "runs": "integer",
"settings": ["string", "map"], "varying": ["string"], "version": "string"}, "map"], "training":
[{"in_force": ["string", "map"], "parted_at_step": "integer", "repeats": "boolean", "revision":
"string", "runs": [{"accuracy": "number", "first_epoch_loss": "number", "loss": "number",
"val_accuracy": "number", "val_loss": "number", "weights": "string"}], "settings": ["string",
"map"], "version": "string"}, "map"]}, "python": {"base_prefix": "string", "byte_order":
"string", "compiler": "string", "executable": "string", "flags": ["integer", "map"],
"gil_enabled": "boolean", "hash_seed": "string", "implementation": "string", "prefix": "string",
"prefix_kind": "string", "search_path": ["string"], "startup_hooks": ["string"],
"subnormals_flushed": "boolean", "version": "string", "x_options": ["string", "map"]}, "rocm":
{"driver_version": "string", "gpus": [{"simd_count": "integer", "target": "string"}, "map"],
"kfd_device": "boolean", "version": "string"}}, "identity": ["string", "map"], "label":
"string", "live": {"gpu": {"answer": "string", "control_device_error": "string", "devices":
[{"clock_memory_mhz": "integer", "clock_reasons": ["string"], "clock_sm_mhz": "integer",
"display_active": "boolean", "errors": {"corrected": "integer", "corrected_ever": "integer",
"pages_retired_corrected": "integer", "pages_retired_uncorrected": "integer", "recovery_action":
"string", "remap_failed": "boolean", "remap_pending": "boolean", "retirement_pending":
"boolean", "rows_remapped": "integer", "uncorrected": "integer", "uncorrected_ever": "integer"},
"lists_missing": ["string", "map"], "memory_free_bytes": "integer", "memory_interface":
"string", "memory_reserved_bytes": "integer", "memory_used_bytes": "integer", "mig_devices":
[{"lists_missing": ["string", "map"], "memory_free_bytes": "integer", "memory_interface":
"string", "memory_reserved_bytes": "integer", "memory_used_bytes": "integer",
"process_interface": "string", "processes": [{"exists": "boolean", "kind": "string",
"memory_bytes": "integer", "name": "string", "name_unknown": "string", "own": "boolean", "pid":
"integer", "program": "string", "same_user": "boolean", "still_listed": "boolean"}],
"unattributed_bytes": "integer", "unattributed_reason": "string"}, "map"], "process_interface":
"string", "processes": [{"exists": "boolean", "kind": "string", "memory_bytes": "integer",
"name": "string", "name_unknown": "string", "own": "boolean", "pid": "integer", "program":
"string", "same_user": "boolean", "still_listed": "boolean"}], "temperature_c": "integer",
"unattributed_bytes": "integer", "unattributed_reason": "string"}, "map"], "init_ms": "number",
"lost": ["string"], "pids_are_ours": "boolean", "silence": {"call": "string", "gpu": "string",
"hung_s": "number", "waited_s": "number"}}, "host": {"disk_free_bytes": "integer",
"load_1_minute": "number", "memory_available_bytes": "integer", "memory_limit_left_bytes":
"integer", "memory_total_bytes": "integer", "shm_free_bytes": "integer", "shm_total_bytes":
"integer", "swap_used_bytes": "integer", "uptime_s": "number"}, "random": {"drawn_by":
[["string"], "map"], "generators": [{"seed": "string", "seeded": "boolean", "state": "string"},
"map"], "process": "string"}}, "machine_id": "string", "note": "string", "schema_version":
"string", "section_digests": ["string", "map"], "tags": ["string", "map"], "unknown": ["string",
"map"]}"""
