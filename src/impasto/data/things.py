"""Things that scenes are made of: pictures with a plain name, one body and, for many, one colour."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from impasto.data.colours import COLOURS, Look, look_of

if TYPE_CHECKING:
    from impasto.data.dataset import Dataset
    from impasto.data.records import Record

GROUPS = frozenset({"animals-nature", "food-drink", "travel-places", "activities", "objects"})

COMMON: dict[str, str] = {
    "cat": "cat kitten kitty", "dog": "dog puppy", "cat-face": "cat", "dog-face": "dog", "fox": "fox",
    "rabbit": "rabbit bunny", "rabbit-face": "bunny rabbit", "bear": "bear", "panda": "panda", "koala": "koala",
    "lion": "lion", "tiger": "tiger", "horse": "horse pony", "cow": "cow", "pig": "pig piggy", "sheep": "sheep",
    "ewe": "sheep", "goat": "goat", "mouse": "mouse", "hamster": "hamster", "elephant": "elephant",
    "giraffe": "giraffe", "zebra": "zebra", "monkey": "monkey", "frog": "frog", "turtle": "turtle tortoise",
    "snake": "snake", "owl": "owl", "bird": "bird", "duck": "duck", "chicken": "chicken hen", "baby-chick": "chick",
    "penguin": "penguin", "parrot": "parrot", "eagle": "eagle", "dove": "dove pigeon", "fish": "fish",
    "tropical-fish": "fish", "shark": "shark", "whale": "whale", "spouting-whale": "whale", "dolphin": "dolphin",
    "octopus": "octopus", "crab": "crab", "snail": "snail", "butterfly": "butterfly", "honeybee": "bee",
    "bug": "caterpillar bug", "lady-beetle": "ladybug ladybird", "spider": "spider", "ant": "ant", "wolf": "wolf",
    "deer": "deer", "unicorn": "unicorn", "dragon": "dragon", "sauropod": "dinosaur dino", "t-rex": "dinosaur",
    "hedgehog": "hedgehog", "squid": "squid", "crocodile": "crocodile", "rose": "rose", "tulip": "tulip flower",
    "sunflower": "sunflower", "hibiscus": "flower", "blossom": "flower blossom", "cherry-blossom": "flower",
    "deciduous-tree": "tree", "evergreen-tree": "tree", "palm-tree": "palm", "cactus": "cactus",
    "mushroom": "mushroom", "maple-leaf": "leaf", "four-leaf-clover": "clover", "seedling": "seedling plant",
    "red-apple": "apple", "pear": "pear", "tangerine": "orange", "lemon": "lemon", "banana": "banana",
    "watermelon": "watermelon", "strawberry": "strawberry", "peach": "peach", "pineapple": "pineapple",
    "tomato": "tomato", "carrot": "carrot", "eggplant": "eggplant aubergine", "potato": "potato",
    "avocado": "avocado", "bread": "bread", "cheese-wedge": "cheese", "pizza": "pizza",
    "hamburger": "hamburger burger", "hot-dog": "hotdog", "taco": "taco", "doughnut": "donut doughnut",
    "cookie": "cookie", "birthday-cake": "cake", "cupcake": "cupcake", "ice-cream": "ice~cream",
    "soft-ice-cream": "ice~cream", "lollipop": "lollipop", "candy": "candy", "egg": "egg",
    "hot-beverage": "coffee tea", "beer-mug": "beer", "wine-glass": "wine", "teapot": "teapot", "pie": "pie",
    "automobile": "car", "racing-car": "race~car", "taxi": "taxi cab", "bus": "bus", "delivery-truck": "truck",
    "tractor": "tractor", "bicycle": "bicycle bike", "motorcycle": "motorcycle motorbike", "motor-scooter": "scooter",
    "train": "train", "locomotive": "train", "airplane": "airplane plane", "small-airplane": "plane airplane",
    "helicopter": "helicopter", "rocket": "rocket", "sailboat": "sailboat boat", "ship": "ship", "speedboat": "boat",
    "police-car": "police~car", "fire-engine": "fire~truck", "ambulance": "ambulance", "flying-saucer": "ufo",
    "house": "house home", "castle": "castle", "tent": "tent", "church": "church", "hospital": "hospital",
    "school": "school", "factory": "factory", "mountain": "mountain", "volcano": "volcano", "star": "star",
    "glowing-star": "star", "sun": "sun", "sun-with-face": "sun", "crescent-moon": "moon", "full-moon": "moon",
    "cloud": "cloud", "rainbow": "rainbow", "snowman": "snowman", "snowflake": "snowflake", "fire": "fire flame",
    "droplet": "drop", "umbrella": "umbrella", "globe-showing-americas": "globe earth", "ringed-planet": "planet",
    "soccer-ball": "football ball", "basketball": "basketball ball", "baseball": "baseball", "balloon": "balloon",
    "wrapped-gift": "gift present", "trophy": "trophy", "teddy-bear": "teddy~bear", "kite": "kite",
    "christmas-tree": "christmas~tree", "jack-o-lantern": "pumpkin", "crown": "crown", "ring": "ring",
    "gem-stone": "diamond gem", "guitar": "guitar", "drum": "drum", "violin": "violin", "trumpet": "trumpet",
    "bell": "bell", "key": "key", "locked": "lock padlock", "hammer": "hammer", "light-bulb": "lightbulb bulb",
    "candle": "candle", "camera": "camera", "television": "tv television", "laptop": "laptop computer",
    "mobile-phone": "phone", "telephone": "telephone phone", "alarm-clock": "clock", "watch": "watch",
    "top-hat": "hat", "t-shirt": "shirt t-shirt", "dress": "dress", "backpack": "backpack", "handbag": "bag handbag",
    "umbrella-on-ground": "umbrella", "closed-book": "book", "open-book": "book", "pencil": "pencil",
    "envelope": "envelope letter", "package": "box package", "chair": "chair", "bed": "bed", "door": "door",
    "bomb": "bomb", "magnet": "magnet", "magnifying-glass-tilted-left": "magnifying~glass", "money-bag": "money~bag",
    "shopping-cart": "shopping~cart", "red-heart": "heart", "ghost": "ghost", "robot": "robot", "alien": "alien",
    "skull": "skull", "smiling-face-with-smiling-eyes": "smiley happy~face", "grinning-face": "smiley happy~face",
    "slightly-smiling-face": "smiley", "smiling-face-with-sunglasses": "cool~face",
    "crying-face": "sad~face crying~face", "angry-face": "angry~face", "sleeping-face": "sleeping~face",
    "winking-face": "winking~face", "snowman-without-snow": "snowman",
}  # fmt: skip
"""What people ask for first: concept -> what they call it, the plainest word first; a tilde is a space in a name."""

_PLAIN = re.compile(r"[a-z]+( [a-z]+)?")
_ODD = frozenset(
    {"face", "button", "sign", "symbol", "moon", "sun", "blood", "behind", "with", "done", "not", "no", "mark", "rain"}
)
"""words of names that are no use beside others: clocks, buttons, weather in pairs"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One picture of a thing, cut to what is painted of it."""

    record: int
    words: tuple[str, ...]
    common: bool
    box: tuple[int, int, int, int]
    """left, top, right, bottom, px of a 256 px picture"""
    look: Look | None
    """None where it has several colours, or none"""

    @property
    def shape(self) -> tuple[float, float]:
        """Width and height where the longer is 1."""
        width, height = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return width / max(width, height), height / max(width, height)


def things_of(dataset: Dataset, styles: tuple[str, ...]) -> dict[str, list[Thing]]:
    """Style -> its things, pictures of the training split only; common ones have at least one word of everyday."""
    pictures, found = dataset.pictures(256), {style: [] for style in styles}
    seen: set[tuple[str, str]] = set()
    for i, record in enumerate(dataset.records):
        words = words_for(record)
        if record.style not in found or record.split != "train" or not words or (record.style, record.concept) in seen:
            continue
        seen.add((record.style, record.concept))
        pixels = np.asarray(pictures[i])
        box = box_of(pixels[..., 3])
        if box is not None and (box[2] - box[0]) * (box[3] - box[1]) >= 64 * 64:
            common, look = record.concept in COMMON, look_of(pixels[::3, ::3])
            found[record.style].append(Thing(record=i, words=words, common=common, box=box, look=look))
    return found


def words_for(record: Record) -> tuple[str, ...]:
    """What a thing is called in a scene; nothing for what has no plain name."""
    if words := common_words(record.concept):
        return words
    name = record.name
    if record.group not in GROUPS or not _PLAIN.fullmatch(name) or set(name.split()) & (_ODD | COLOURS.keys()):
        return ()
    return () if name.endswith("s") and not name.endswith("ss") else (name,)


def common_words(concept: str) -> tuple[str, ...]:
    """What people call a common thing, the plainest word first; nothing for other things."""
    return tuple(word.replace("~", " ") for word in COMMON.get(concept, "").split())


def box_of(alpha: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what is painted; None for an empty picture."""
    painted = alpha > 8
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
