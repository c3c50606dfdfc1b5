"""A repository of a hub, fetched. Only adding a model comes here: nothing that draws uses the network."""

from __future__ import annotations

import re
from pathlib import Path

from impasto.core import Damaged, Invalid

ADDRESS = re.compile(r"https://huggingface\.co/(?P<repo>[\w.-]+/[\w.-]+?)(?:\.git)?(?:/tree/(?P<revision>[\w.%-]+))?/?")
PARTS = ("model_index.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.safetensors")
"""of a pipeline; single files that lie beside its parts are copies of them"""
USELESS = ("safety_checker/*", "feature_extractor/*", "*.non_ema.*", "*.ema.*")


def is_address(source: str) -> bool:
    """Whether it is on the network rather than on this machine."""
    return re.match(r"[a-z][a-z0-9+.-]+://", source) is not None


def fetch(address: str) -> Path:
    """The folder of a pipeline, kept where the hub's library keeps what it fetches: a second time is quick.

    Raises Invalid for an address of no repository, Damaged for what cannot be fetched.
    """
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise Invalid("source", f"must look like https://huggingface.co/OWNER/NAME, not {address!r}")
    import huggingface_hub

    repo, revision = found["repo"], found["revision"]
    try:
        files = huggingface_hub.list_repo_files(repo, revision=revision)
        folder = huggingface_hub.snapshot_download(
            repo, revision=revision, allow_patterns=list(PARTS), ignore_patterns=[*USELESS, *_twice(files)]
        )
    except Exception as error:  # of its own, of its HTTP library and of the system
        raise Damaged(f"{address}: cannot be fetched: {str(error).splitlines()[0]}") from error
    return Path(folder)


def _twice(files: list[str]) -> list[str]:
    """Half-precision copies of what is there whole."""
    whole = {name for name in files if name.endswith(".safetensors") and ".fp16" not in name}
    folders = {name.rpartition("/")[0] for name in whole}
    return [name for name in files if ".fp16" in name and name.rpartition("/")[0] in folders]
