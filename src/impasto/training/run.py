"""`impasto train RECIPE`: the loop every stage shares.

It knows steps, seen pictures, rates, averages, checkpoints and logs. It does not know what a stage trains: a stage
gives it a net, and for any step number the same batch and the same randomness, which is why a run that was killed and
resumed sees exactly what an unbroken one sees.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from impasto.core import ImpastoError, Invalid, Unknown
from impasto.training import checkpoint
from impasto.training.log import Log
from impasto.training.optim import Averages, Optimizers, rate_at
from impasto.training.recipe import Recipe, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

DEVICES = ("auto", "cpu", "cuda")


class Stage(Protocol):
    """What the loop needs of the thing it trains."""

    net: nn.Module

    def loss(self, step: int) -> dict[str, Tensor]:
        """The scalars of step `step`'s batch; "loss" is the one that is minimised. A function of step and weights."""

    def sheet(self) -> np.ndarray:
        """A picture (height, width, 3) uint8 of how it is doing with the weights now in `net`."""

    def measure(self) -> dict[str, float]:
        """Numbers on held-out pictures with the weights now in `net`; may be empty."""

    def finish(self) -> None:
        """Called once with the averaged weights in `net`, before the last checkpoint."""

    def export(self, folder: Path) -> None:
        """After the last checkpoint: write what is shipped of the averaged weights, safetensors and ONNX."""


def build_stage(recipe: Recipe, device: torch.device) -> Stage:
    """The stage a recipe names. Imported here so that one stage's needs are not another's."""
    match recipe.run.stage:
        case "autoencoder":
            from impasto.training.autoencoder import AutoencoderStage as Kind
        case "words":
            from impasto.training.words import WordsStage as Kind
        case "denoiser":
            from impasto.training.denoiser import DenoiserStage as Kind
        case "distil":
            from impasto.training.distil import DistilStage as Kind
        case "meanings":
            from impasto.training.meanings import MeaningsStage as Kind
        case "polish":
            from impasto.training.polish import PolishStage as Kind
        case "evaluator":
            from impasto.training.evaluator import EvaluatorStage as Kind
    return Kind(recipe, device)


def train(
    path: Path,
    *,
    resume: bool = True,
    device: str = "auto",
    overrides: dict[str, Any] | None = None,
    stop_after_s: float | None = None,
) -> Path:
    """Run a recipe to its end, or for `stop_after_s` seconds, or until a signal; returns the run's folder.

    `device` is "auto", "cpu" or "cuda". Every way of stopping but a kill writes a checkpoint; a kill loses at most
    `checkpoint_every_s` of work. Raises Invalid for a recipe, a device, or a resumed run begun with another recipe.
    """
    recipe = load(path, overrides)
    where = device_of(device)
    if recipe.run.threads:
        torch.set_num_threads(recipe.run.threads)
    torch.manual_seed(recipe.run.seed)
    recipe.run.out.mkdir(parents=True, exist_ok=True)
    stage = build_stage(recipe, where)
    loop = Loop(recipe, stage, where, resume=resume)
    loop.run(stop_after_s)
    if loop.seen >= recipe.run.pictures:
        stage.export(recipe.run.out / "model")
    else:
        print(f"{loop.seen:>9} of {recipe.run.pictures} seen: stopped; the same command goes on from here", flush=True)
    return recipe.run.out


def device_of(name: str) -> torch.device:
    """ "auto" is CUDA where there is some. Raises Invalid for another name, and for "cuda" where there is none."""
    if name not in DEVICES:
        raise Unknown("device", name, DEVICES)
    if name == "cuda" and not torch.cuda.is_available():
        raise Invalid("device", "there is no CUDA device here, or this torch cannot use it")
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def begun_with(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe must not change while it runs: steps, batches and weights would not be what they were."""
    run, optim = recipe.run, recipe.optim
    return {
        "run.stage": run.stage,
        "run.seed": run.seed,
        "run.batch": run.batch,
        "net": recipe.net,
        "optim.ema": list(optim.ema),
        "optim.muon_rate": optim.muon_rate is not None,
    }


class Loop:
    """One run: its state is the step number and what the checkpoint holds."""

    def __init__(self, recipe: Recipe, stage: Stage, device: torch.device, *, resume: bool) -> None:
        self.recipe, self.stage, self.device = recipe, stage, device
        self.folder = recipe.run.out
        self.optimizers = Optimizers(stage.net, recipe.optim)
        self.averages = Averages(stage.net, recipe.optim.ema)
        self.parameters = [p for p in stage.net.parameters() if p.requires_grad]
        self.step, self.core_s, self.stopping = 0, 0.0, False
        state = (checkpoint.read(self.folder) if resume else None) or {}
        chosen = state.get("precision", {}).get(device.type) if recipe.run.precision == "auto" else None
        self.precision = chosen or autocast_dtype(recipe.run.precision, device)
        if state:
            self.check(state)
            checkpoint.restore(state, net=stage.net, optimizers=self.optimizers, averages=self.averages)
            self.step, self.core_s = state["step"], state["core_s"]

    def check(self, state: dict[str, Any]) -> None:
        """Refuse to go on with a run that was begun with another recipe; what old checkpoints do not say is let be."""
        before = state.get("begun_with", {})
        for key, now in begun_with(self.recipe).items():
            if before.get(key, now) != now:
                raise Invalid(
                    key, f"is {now!r}, but the run in {self.folder} was begun with {before[key]!r}; --fresh starts over"
                )

    @property
    def seen(self) -> int:
        """Pictures, in all of the run."""
        return self.step * self.recipe.run.batch

    def run(self, stop_after_s: float | None) -> None:
        """Walk, and save where it stopped; the process's own signal handlers are put back."""
        log = Log(self.folder, seen=self.seen)
        kept = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
        for name in kept:
            signal.signal(name, lambda *_: setattr(self, "stopping", True))
        try:
            self.walk(log, stop_after_s)
            self.save()
        finally:
            log.close()
            for name, handler in kept.items():
                signal.signal(name, handler)

    def walk(self, log: Log, stop_after_s: float | None) -> None:
        """Steps until the end or until told to stop, telling and saving on the way."""
        started = saved_s = time.monotonic()
        total, run = self.recipe.run.pictures, self.recipe.run
        while self.seen < total and not self.stopping:
            before, cpu_s = self.seen, time.process_time()
            values = self.one_step(total)
            self.core_s += time.process_time() - cpu_s
            if self.step % run.log_every == 0:
                self.tell(log, values, started)
            if self.seen // run.sheet_every > before // run.sheet_every:
                self.with_averages(lambda: self.show(log))
            now = time.monotonic()
            if now - saved_s > run.checkpoint_every_s:
                self.save()
                saved_s = now
            self.stopping = self.stopping or (stop_after_s is not None and now - started > stop_after_s)
        if self.seen >= total:
            self.finish(log)

    def one_step(self, total: int) -> dict[str, Tensor]:
        """Loss, gradient, weights, averages. Raises ImpastoError, before a weight is touched, if it is no number."""
        self.stage.net.train()
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            values = self.stage.loss(self.step)
        values["loss"].backward()
        values["gradient"] = nn.utils.clip_grad_norm_(self.parameters, self.recipe.optim.clip)
        if not values["gradient"].isfinite():
            raise ImpastoError(
                f"the gradient of step {self.step} is no number: a smaller rate may help; {self.folder} keeps the last "
                "checkpoint"
            )
        self.optimizers.step(rate_at(self.seen, total, self.recipe.optim))
        self.step += 1
        self.averages.update(self.step)
        return values

    def tell(self, log: Log, values: dict[str, Tensor], started: float) -> None:
        """A line on standard output and in the logs."""
        scalars = {name: float(value.detach()) for name, value in values.items()}
        spent_s = time.monotonic() - started
        log.scalars(self.seen, {**scalars, "core_hours": self.core_s / 3600, "wall_s": spent_s})
        line = " ".join(f"{name} {value:.4g}" for name, value in scalars.items())
        print(f"{self.seen:>9} of {self.recipe.run.pictures} seen  {line}  {spent_s:.0f} s", flush=True)

    def with_averages(self, act: Callable[[], None]) -> None:
        """Do something with the averaged weights in the net, then put the trained ones back."""
        kept = {k: v.clone() for k, v in self.stage.net.state_dict().items()}
        self.stage.net.load_state_dict(self.averages.each[0])
        self.stage.net.eval()
        with torch.no_grad():
            act()
        self.stage.net.load_state_dict(kept)

    def finish(self, log: Log) -> None:
        """Let the stage close its books on the averaged weights; what it changes there is kept."""

        def act() -> None:
            self.stage.finish()
            self.averages.each[0] = {k: v.clone() for k, v in self.stage.net.state_dict().items()}
            self.show(log)

        self.with_averages(act)

    def show(self, log: Log) -> None:
        """A sheet and the held-out numbers of the weights now in the net."""
        log.sheet(self.seen, self.stage.sheet())
        if measured := self.stage.measure():
            log.measures(self.seen, measured)
            print(f"{self.seen:>9} held out: " + " ".join(f"{k} {v:.4g}" for k, v in measured.items()), flush=True)

    def save(self) -> None:
        """Write the checkpoint."""
        told = {
            "step": self.step,
            "core_s": self.core_s,
            "precision": {self.device.type: self.precision},
            "begun_with": begun_with(self.recipe),
        }
        checkpoint.save(
            self.folder,
            told=told,
            net=self.stage.net,
            optimizers=self.optimizers,
            averages=self.averages,
        )


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 on CUDA, and on a CPU only where a matrix product is measurably faster in it."""
    if precision == "fp32":
        return torch.float32
    if precision == "bf16" or device.type == "cuda":
        return torch.bfloat16
    return torch.bfloat16 if _product_s(torch.bfloat16) < 0.6 * _product_s(torch.float32) else torch.float32


def _product_s(dtype: torch.dtype) -> float:
    """Of the quickest of some products, which work beside it disturbs least."""
    a, b = torch.randn(2048, 512, dtype=dtype), torch.randn(512, 512, dtype=dtype)
    took_s = []
    for _ in range(20):
        started = time.perf_counter()
        a @ b
        took_s.append(time.perf_counter() - started)
    return min(took_s)
