"""Mini, warm: one picture and a batch of eight, by the engine on ONNX Runtime and by the same weights in eager torch.

    python bench/mini.py [--rounds 5]

Both walk the same sigmas with the same sampler and guidance, in turn, in one run; the ratio is torch / Impasto.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from impasto import local
from impasto.core import Drawing, Picture
from impasto.engine import samplers
from impasto.engine.sigmas import curve
from impasto.models.nets.autoencoder import Autoencoder
from impasto.models.nets.denoiser import Mini
from impasto.training.artist import drawing_of
from impasto.training.export import WordsNet

ROOT = Path(__file__).parents[1]


class Eager:
    """The shipped weights in eager torch, fp32, with the same sampler."""

    def __init__(self, folder: Path, card) -> None:
        recipes = [
            tomllib.loads((ROOT / f"recipes/mini/{name}.toml").read_text()) for name in ("denoiser", "autoencoder")
        ]
        self.card = card
        self.mini = Mini(**recipes[0]["net"], styles=len(card.styles)).eval()
        self.words = WordsNet(self.mini)
        self.decoder = Autoencoder(**net_of("autoencoder")).decoder.eval()
        for net, name in ((self.words, "words"), (self.mini.painter, "denoiser"), (self.decoder, "decoder")):
            net.load_state_dict({k: v.float() for k, v in load_file(folder / f"{name}.safetensors").items()})

    @torch.no_grad()
    def draw(self, drawings: list[Drawing], tokens: np.ndarray) -> torch.Tensor:
        d, n = drawings[0], len(drawings)
        both = torch.from_numpy(np.concatenate([tokens, np.zeros_like(tokens)]))
        style = torch.full((2 * n,), self.card.styles[d.style].index)
        plan, condition = self.words(both, torch.ones(both.shape), style)
        sigmas = curve(d.sigmas, d.steps, self.card.sigmas.min, self.card.sigmas.max, flow_shift=self.card.sigmas.shift)
        noise = torch.randn(n, *self.card.picture.latent_shape) * float(sigmas[0])
        walk = samplers.walk(d.sampler, noise, [float(s) for s in sigmas], lambda: torch.randn_like(noise))
        answer = None
        while True:
            try:
                x, sigma = walk.send(answer)
            except StopIteration as done:
                return self.decoder(done.value)
            t = torch.full((2 * n,), sigma / (1 + sigma))
            given, without = self.mini.painter((x / (1 + sigma)).repeat(2, 1, 1, 1), t, plan, condition).chunk(2)
            answer = without + d.guidance * (given - without)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    installed = local.registry().find("mini")
    engine, eager = local.engine_of(installed), Eager(installed.folder, installed.card)
    tokens = np.zeros((8, installed.card.words.max_tokens), np.int64)
    tokens[:, :3] = (300, 301, 302)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    print(f"{'pictures':>8}  {'Impasto s':>10}  {'torch s':>10}  {'ratio':>6}")
    for n in (1, 8):
        drawings = [drawing_of(installed.card, "a red fox", installed.card.defaults.style, seed) for seed in range(n)]
        ours, theirs = [], []
        for turn in range(rounds + 1):
            ours.append(timed(lambda d=drawings: [e for e in engine.draw(d) if isinstance(e, Picture)]))
            theirs.append(timed(lambda d=drawings, k=n: eager.draw(d, tokens[:k])))
            if turn == 0:
                ours.clear(), theirs.clear()
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{n:>8}  {a:>10.3f}  {b:>10.3f}  {b / a:>6.2f}")


def net_of(name: str) -> dict:
    """The arguments of a recipe's net."""
    return tomllib.loads((ROOT / f"recipes/mini/{name}.toml").read_text())["net"]


def timed(act) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
