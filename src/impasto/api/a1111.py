"""AUTOMATIC1111's dialect, `/sdapi/v1`, as webuiapi and StableStudio's webui plugin speak it.

Such clients send every field every time; what is still at that dialect's own first value (cfg 7, 20 or 50 steps,
Euler a) is taken as not said, and the model's default stands. What is asked for and cannot be had here (a second pass
at a higher size, face restoration, tiling, scripts) is refused by name. Progress, interrupt and options are the
caller's own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from impasto.api.callers import CallerHere
from impasto.api.house import House, HouseHere
from impasto.api.rendered import b64, rendered
from impasto.api.uploads import from_base64, init_of, mask_of
from impasto.core import MAX_SEED, Caller, Failed, ImageRequest, Invalid, Job, Refused, Unknown, UnknownModel
from impasto.pictures.metadata import A1111_SAMPLERS, parameters_text

if TYPE_CHECKING:
    from impasto.api.errors import No
    from impasto.core import StoredPicture
    from impasto.models.cards import Card

UNTOUCHED_STEPS, UNTOUCHED_CFG, UNTOUCHED_SAMPLER = (20, 50), 7.0, ("Euler a", "Euler", "", None)
CURVES = {
    "Automatic": None,
    "Karras": "karras",
    "Exponential": "exponential",
    "SGM Uniform": "sgm_uniform",
    "Simple": "simple",
    "Beta": "beta",
}
RESIZERS = ("None", "Lanczos", "Nearest")
SIDE_PX = (64, 4096)


class Timed(APIRoute):
    """Every answer says in X-Process-Time how many seconds it took."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def timed(request: Request) -> Response:
            began_s = time.perf_counter()
            response = await handle(request)
            response.headers["X-Process-Time"] = f"{time.perf_counter() - began_s:.4f}"
            return response

        return timed


router = APIRouter(prefix="/sdapi/v1", tags=["a1111"], route_class=Timed)


class Common(BaseModel):
    """What txt2img and img2img share; fields of theirs that change nothing here are let pass."""

    model_config = ConfigDict(extra="ignore")

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = []
    seed: int = Field(default=-1, ge=-1, le=MAX_SEED)
    sampler_name: str | None = None
    sampler_index: str | None = None
    scheduler: str | None = None
    batch_size: int = Field(default=1, ge=1, le=16)
    n_iter: int = Field(default=1, ge=1, le=16)
    steps: int = 50
    cfg_scale: float = UNTOUCHED_CFG
    width: int = Field(default=512, ge=SIDE_PX[0], le=SIDE_PX[1])
    height: int = Field(default=512, ge=SIDE_PX[0], le=SIDE_PX[1])
    restore_faces: bool | None = None
    tiling: bool | None = None
    enable_hr: bool = False
    script_name: str | None = None
    alwayson_scripts: dict[str, Any] = {}
    override_settings: dict[str, Any] | None = None
    send_images: bool = True
    save_images: bool = False

    def unsupported(self) -> None:
        """Raises Invalid naming what cannot be had here."""
        for field in ("restore_faces", "tiling", "enable_hr", "script_name"):
            if getattr(self, field):
                raise Invalid(field, "is not to be had here")
        for name, script in self.alwayson_scripts.items():
            if (script or {}).get("args"):
                raise Invalid("alwayson_scripts", f"there is no script {name!r} here")

    def request(self, house: House, options: dict[str, Any]) -> ImageRequest:
        self.unsupported()
        card = _card(house, (self.override_settings or {}).get("sd_model_checkpoint") or options.get("model"))
        size_px = (self.width, self.height)
        return ImageRequest(
            words=self.prompt,
            negative=self.negative_prompt,
            model=card.model.name,
            style=self.styles[0] if self.styles else None,
            size_px=size_px if size_px in card.picture.sizes else None,
            steps=None if self.steps in UNTOUCHED_STEPS else self.steps,
            guidance=None if self.cfg_scale == UNTOUCHED_CFG else self.cfg_scale,
            sampler=_sampler(self.sampler_name or self.sampler_index),
            sigmas=_curve(self.scheduler),
            seed=None if self.seed == -1 else self.seed,
            count=self.batch_size * self.n_iter,
        )


class Txt2Img(Common):
    pass


class Img2Img(Common):
    init_images: list[str] = []
    denoising_strength: float | None = 0.75
    mask: str | None = None
    inpainting_mask_invert: int = 0
    include_init_images: bool = False

    def request(self, house: House, options: dict[str, Any]) -> ImageRequest:
        from dataclasses import replace

        if not self.init_images:
            raise Invalid("init_images", "must hold a picture")
        init = init_of(from_base64(self.init_images[0], "init_images"), house.bounds, "init_images")
        mask = None
        if self.mask:
            mask = mask_of(from_base64(self.mask, "mask"), house.bounds)
            if self.inpainting_mask_invert:
                mask = replace(mask, sha256=f"inverted {mask.sha256}", pixels=255 - mask.pixels)
        return replace(super().request(house, options), init=init, mask=mask, strength=self.denoising_strength)


class Resize(BaseModel):
    model_config = ConfigDict(extra="ignore")

    image: str
    resize_mode: int = Field(default=0, ge=0, le=1)
    upscaling_resize: float = Field(default=2.0, gt=0, le=8)
    upscaling_resize_w: int = Field(default=512, ge=1, le=SIDE_PX[1])
    upscaling_resize_h: int = Field(default=512, ge=1, le=SIDE_PX[1])
    upscaler_1: str = "None"


class Image64(BaseModel):
    model_config = ConfigDict(extra="ignore")

    image: str


@router.post("/txt2img")
async def txt2img(asked: Txt2Img, request: Request, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    return await _drawn(asked, request, house, caller)


@router.post("/img2img")
async def img2img(asked: Img2Img, request: Request, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    return await _drawn(asked, request, house, caller)


@router.get("/progress")
def progress(house: HouseHere, caller: CallerHere, skip_current_image: bool = False) -> dict[str, Any]:
    """Of the caller's own job that runs, or waits first."""
    now = _open_jobs(house, caller)
    job = next((job for job in now if job.state == "running"), now[-1] if now else None)
    share = job.done_share if job else 0.0
    steps = house.desk.cards()[0].defaults.steps
    state = {
        "skipped": False,
        "interrupted": False,
        "stopping_generation": False,
        "job": job.id if job else "",
        "job_count": len(now),
        "job_timestamp": f"{job.created_at:%Y%m%d%H%M%S}" if job else "0",
        "job_no": len(job.pictures) if job else 0,
        "sampling_step": round(share * steps),
        "sampling_steps": steps if job else 0,
    }
    eta_s = 0.0
    if job and job.started_at and share > 0:
        eta_s = (house.clock.now() - job.started_at).total_seconds() * (1 - share) / share
    return {"progress": share, "eta_relative": eta_s, "state": state, "current_image": None, "textinfo": None}


@router.post("/interrupt")
@router.post("/skip")
def interrupt(house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    """Cancels the caller's own jobs; what is finished of them is answered."""
    for job in _open_jobs(house, caller):
        house.desk.cancel(caller, job.id)
    return {}


@router.get("/options")
def options(request: Request, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    card = _card(house, _options(request, caller).get("model"))
    return {
        "sd_model_checkpoint": card.model.name,
        "sd_checkpoint_hash": _hash(card),
        "samples_format": "png",
        "CLIP_stop_at_last_layers": 1,
    }


@router.post("/options")
async def set_options(request: Request, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    """Switches the caller's model; what else A1111's page would set changes nothing here."""
    from impasto.api.native.jobs import json_of

    asked = await json_of(request)
    if (name := asked.get("sd_model_checkpoint")) is not None:
        _options(request, caller)["model"] = _card(house, str(name)).model.name
    return {}


@router.get("/sd-models")
def sd_models(house: HouseHere, caller: CallerHere) -> list[dict[str, Any]]:
    return [
        {
            "title": card.model.name,
            "model_name": card.model.name,
            "hash": _hash(card)[:10],
            "sha256": _hash(card),
            "filename": card.model.name,
            "config": None,
        }
        for card in house.desk.cards()
    ]


@router.get("/samplers")
def samplers(caller: CallerHere) -> list[dict[str, Any]]:
    return [{"name": said, "aliases": [ours], "options": {}} for ours, said in A1111_SAMPLERS.items()]


@router.get("/schedulers")
def schedulers(caller: CallerHere) -> list[dict[str, Any]]:
    return [
        {"name": (ours or "automatic"), "label": said, "aliases": None, "default_rho": -1.0, "need_inner_model": False}
        for said, ours in CURVES.items()
    ]


@router.get("/upscalers")
def upscalers(caller: CallerHere) -> list[dict[str, Any]]:
    return [
        {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": 4.0} for name in RESIZERS
    ]


@router.get("/prompt-styles")
def prompt_styles(house: HouseHere, caller: CallerHere) -> list[dict[str, Any]]:
    """The styles of the first model."""
    return [{"name": name, "prompt": "", "negative_prompt": ""} for name in house.desk.cards()[0].styles]


@router.post("/png-info")
def png_info(asked: Image64, caller: CallerHere) -> dict[str, Any]:
    from impasto.pictures.metadata import read_any

    found = read_any(from_base64(asked.image, "image"))
    items = {} if found.document is None else {"impasto": json.dumps(found.document, ensure_ascii=False)}
    if found.parameters is not None:
        items["parameters"] = found.parameters
    return {"info": found.parameters or "", "items": items, "parameters": {}}


@router.post("/extra-single-image")
def extra_single_image(asked: Resize, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    """Makes a picture larger by plain resampling: no net is asked."""
    from io import BytesIO

    from PIL import Image

    if asked.upscaler_1 not in RESIZERS:
        raise Unknown("upscaler_1", asked.upscaler_1, RESIZERS)
    image = Image.fromarray(init_of(from_base64(asked.image, "image"), house.bounds, "image").pixels)
    scale = asked.upscaling_resize
    size_px = (
        (asked.upscaling_resize_w, asked.upscaling_resize_h)
        if asked.resize_mode
        else (round(image.width * scale), round(image.height * scale))
    )
    if size_px[0] * size_px[1] > house.bounds.upload_pixels:
        raise Invalid("upscaling_resize", f"would make more than {house.bounds.upload_pixels / 1e6:g} megapixels")
    way = Image.Resampling.NEAREST if asked.upscaler_1 == "Nearest" else Image.Resampling.LANCZOS
    out = BytesIO()
    image.resize((max(1, size_px[0]), max(1, size_px[1])), way).save(out, "PNG")
    return {"html_info": "", "image": b64(out.getvalue())}


@router.get("/memory")
def memory(caller: CallerHere) -> dict[str, Any]:
    return {"ram": {}, "cuda": {"error": "unavailable"}}


@router.get("/cmd-flags")
@router.get("/script-info")
@router.get("/scripts")
@router.get("/embeddings")
@router.get("/loras")
@router.get("/hypernetworks")
@router.get("/face-restorers")
@router.get("/realesrgan-models")
@router.get("/latent-upscale-modes")
@router.get("/sd-vae")
@router.get("/extensions")
def none_here(request: Request, caller: CallerHere) -> Any:
    """Lists of what is not here."""
    name = request.url.path.rsplit("/", 1)[-1]
    shaped = {
        "cmd-flags": {},
        "scripts": {"txt2img": [], "img2img": []},
        "embeddings": {"loaded": {}, "skipped": {}},
    }
    return shaped.get(name, [])


@router.post("/refresh-checkpoints")
@router.post("/refresh-vae")
@router.post("/refresh-loras")
@router.post("/refresh-embeddings")
def refresh(caller: CallerHere) -> dict[str, Any]:
    """Nothing to do: models are looked for whenever they are asked for."""
    return {}


async def _drawn(asked: Common, request: Request, house: House, caller: Caller) -> dict[str, Any]:
    wanted = await run_in_threadpool(asked.request, house, _options(request, caller))
    job = await run_in_threadpool(house.desk.submit, caller, wanted, keep=asked.save_images)
    job = await house.desk.wait(caller, job.id, timeout_s=house.bounds.wait_s)
    if job.state == "refused":
        raise Refused("policy", job.reason)
    if not job.pictures and job.state != "cancelled":
        raise Invalid(job.field, job.reason) if job.field else Failed({0: job.reason or job.state})
    return await run_in_threadpool(_answer, house, caller, asked, job)


def _answer(house: House, caller: Caller, asked: Common, job: Job) -> dict[str, Any]:
    size_px = (asked.width, asked.height)
    shown = [b64(rendered(house, caller, picture, size_px=size_px)) for picture in job.pictures]
    texts = [_text(house, caller, picture) for picture in job.pictures]
    seeds = [picture.seed for picture in job.pictures]
    info = {
        "prompt": asked.prompt,
        "all_prompts": [asked.prompt] * len(seeds),
        "negative_prompt": asked.negative_prompt,
        "all_negative_prompts": [asked.negative_prompt] * len(seeds),
        "seed": seeds[0] if seeds else asked.seed,
        "all_seeds": seeds,
        "subseed": seeds[0] if seeds else -1,
        "all_subseeds": seeds,
        "width": asked.width,
        "height": asked.height,
        "sampler_name": asked.sampler_name,
        "cfg_scale": asked.cfg_scale,
        "steps": asked.steps,
        "batch_size": asked.batch_size,
        "sd_model_name": job.model,
        "infotexts": texts,
        "index_of_first_image": 0,
        "job_timestamp": f"{job.created_at:%Y%m%d%H%M%S}",
    }
    said = asked.model_dump(exclude={"init_images", "mask"})
    return {"images": shown if asked.send_images else [], "parameters": said, "info": json.dumps(info)}


def _text(house: House, caller: Caller, picture: StoredPicture) -> str:
    return parameters_text(house.gallery.find(caller, picture.id).document)


def _open_jobs(house: House, caller: Caller) -> list[Job]:
    states = ("running", "queued")
    return [job for state in states for job in house.desk.jobs(caller, state=state, limit=20)]  # type: ignore[arg-type]


def _options(request: Request, caller: Caller) -> dict[str, Any]:
    """What this caller has switched to, until the server ends."""
    kept: dict[str, dict[str, Any]] = request.app.state.a1111
    return kept.setdefault(caller.account, {})


def _card(house: House, name: str | None) -> Card:
    """By its name or title, with or without a hash behind it. Raises UnknownModel."""
    cards = {card.model.name: card for card in house.desk.cards()}
    if name is None:
        return next(iter(cards.values()))
    plain = name.partition(" [")[0]
    if plain not in cards:
        raise UnknownModel("sd_model_checkpoint", name, cards)
    return cards[plain]


def _hash(card: Card) -> str:
    """Of the net that draws."""
    return card.files.get("denoiser.safetensors") or next(iter(card.files.values()), "")


def _sampler(name: str | None) -> str | None:
    if name in UNTOUCHED_SAMPLER:
        return None
    known = {said.lower(): ours for ours, said in A1111_SAMPLERS.items()}
    known |= {ours: ours for ours in A1111_SAMPLERS}
    plain = str(name).lower().removesuffix(" karras")
    if plain not in known:
        raise Unknown("sampler_name", str(name), A1111_SAMPLERS.values())
    return known[plain]


def _curve(name: str | None) -> str | None:
    if not name:
        return None
    known = {said.lower(): ours for said, ours in CURVES.items()} | {ours: ours for ours in CURVES.values() if ours}
    if name.lower() not in known:
        raise Unknown("scheduler", name, CURVES)
    return known[name.lower()]


def say(no: No) -> dict[str, object]:
    """FastAPI's form as A1111 wraps it."""
    kind = "HTTPException" if no.status < 500 else "Exception"
    return {"error": kind, "detail": no.message, "body": "", "errors": no.message}
