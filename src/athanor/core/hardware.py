"""What this machine has: cores this process may use, memory, instructions, a GPU. No torch: read from the system."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import msgspec

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of the machine, as a manifest keeps them."""

    cpu: str
    cores: int
    """Cores this process may use (affinity and control group)."""
    memory_bytes: int
    """Memory this process may use (physical, or the control group's limit)."""
    bf16: bool
    """Dot products of bfloat16 in hardware (AVX512_BF16 or AMX); whether they pay is measured, not assumed."""
    int8: bool
    """Dot products of int8 in hardware (VNNI)."""
    gpu: str | None


def detect() -> Hardware:
    """Read the facts; takes about a millisecond."""
    cpu, flags = _processor()
    return Hardware(
        cpu=cpu,
        cores=cores(),
        memory_bytes=memory_bytes(),
        bf16="avx512_bf16" in flags or "amx_bf16" in flags,
        int8="avx512_vnni" in flags or "avx_vnni" in flags,
        gpu=_gpu(),
    )


def cores() -> int:
    """Cores this process may use, at least 1."""
    allowed = len(os.sched_getaffinity(0))
    for group in _control_groups("cpu"):
        older = f"{_read(group / 'cpu.cfs_quota_us')} {_read(group / 'cpu.cfs_period_us')}"
        quota = (_read(group / "cpu.max") or older).split()
        if len(quota) == 2 and quota[0].isdigit():  # without a limit it is "max", in version 1 -1
            allowed = min(allowed, max(1, int(quota[0]) // int(quota[1])))
    return allowed


def memory_bytes() -> int:
    """Memory this process may use, in bytes."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    files = ("memory.max", "memory.limit_in_bytes")
    limits = [_read(group / file).strip() for group in _control_groups("memory") for file in files]
    return min([physical, *(int(limit) for limit in limits if limit.isdigit())])


def available_memory_bytes() -> int:
    """Memory that can be had now without swapping, in bytes."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return min(int(line.split()[1]) * 1024, memory_bytes())
    return memory_bytes()


def peak_memory_bytes() -> int:
    """The largest resident size this process has had, in bytes."""
    for line in _read("/proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _processor() -> tuple[str, set[str]]:
    name, flags = "", set[str]()
    for line in _read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = set(value.split())
            break
    return name or platform.processor() or platform.machine(), flags


def _gpu() -> str | None:
    names = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")) if shutil.which("nvidia-smi") else []
    for line in _read(str(names[0])).splitlines() if names else []:
        if line.startswith("Model:"):
            return line.split(":", 1)[1].strip()
    return None


def _control_groups(controller: str) -> list[Path]:
    """The folders of this process's control group and of all above it, whose limits hold as well; version 2 and 1.

    A container often sees its own group as the root, and the host's path of it in OWN_GROUPS: what is not there reads
    as empty.
    """
    found = [CONTROL_GROUPS]
    for line in _read(OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            root = CONTROL_GROUPS / controller if controllers else CONTROL_GROUPS
            own = root / path.strip("/")
            found += [group for group in (own, *own.parents) if group.is_relative_to(root)]
    return found


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
