"""Probes: words that people say, and what they should show.

Names and captions of the data set are in training; people say other things too. Each probe is drawn in the default
style and the evaluator says at what place, among all its concepts, the best of the expected ones comes. Probes that
training does tell after all (a new caption, a plural) are counted apart, so that memory does not pass for
understanding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.training.artist import Asked
from impasto.training.captions import Captions
from impasto.training.measures import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from impasto.data.dataset import Dataset
    from impasto.training.artist import Artist
    from impasto.training.judge import Judge

SYNONYMS = {
    "doggy": "dog dog-face poodle", "hound": "dog dog-face", "puppy": "dog dog-face", "kitty": "cat cat-face",
    "bunny": "rabbit rabbit-face", "swine": "pig pig-face boar", "piglet": "pig pig-face", "foal": "horse horse-face",
    "stallion": "horse horse-face", "calf": "cow cow-face ox", "grizzly": "bear", "viper": "snake", "cobra": "snake",
    "falcon": "eagle bird", "bumblebee": "honeybee", "tarantula": "spider", "goldfish": "fish tropical-fish",
    "chimpanzee": "monkey monkey-face orangutan gorilla", "alligator": "crocodile", "seashell": "spiral-shell",
    "cobweb": "spider-web", "earthworm": "worm", "tyrannosaurus": "t-rex", "phantom": "ghost",
    "martian": "alien alien-monster", "spaceship": "rocket flying-saucer", "motorcar": "automobile oncoming-automobile",
    "airliner": "airplane airplane-departure airplane-arrival", "chopper": "helicopter",
    "yacht": "sailboat motor-boat passenger-ship speedboat ship", "lorry": "delivery-truck articulated-lorry",
    "steam engine": "locomotive train", "cottage": "house house-with-garden hut houses",
    "fortress": "castle japanese-castle", "blaze": "fire",
    "brolly": "umbrella closed-umbrella umbrella-with-rain-drops umbrella-on-ground",
    "pine tree": "evergreen-tree christmas-tree", "fungus": "mushroom brown-mushroom", "cheeseburger": "hamburger",
    "espresso": "hot-beverage", "gherkin": "cucumber", "clementine": "tangerine", "sweets": "candy lollipop",
    "macaroni": "spaghetti", "wristwatch": "watch", "telly": "television", "smartphone": "mobile-phone",
    "suitcase": "luggage briefcase", "rucksack": "backpack", "trousers": "jeans", "sneakers": "running-shoe",
    "gown": "dress", "tiara": "crown", "wizard": "mage man-mage woman-mage", "granny": "old-woman older-person",
    "poo": "pile-of-poo", "devil": "smiling-face-with-horns angry-face-with-horns", "applause": "clapping-hands",
    "squad car": "police-car oncoming-police-car", "skyscraper": "office-building cityscape",
    "trash": "wastebasket litter-in-bin-sign", "hog": "pig pig-face boar", "pup": "dog dog-face",
    "ape": "gorilla orangutan monkey", "trout": "fish", "baguette": "baguette-bread", "handgun": "water-pistol",
    "cellphone": "mobile-phone mobile-phone-with-arrow", "infant": "baby", "xmas tree": "christmas-tree evergreen-tree",
    "merry-go-round": "carousel-horse", "sobbing": "loudly-crying-face crying-face", "bicep": "flexed-biceps",
    "mansion": "house house-with-garden houses classical-building", "conch": "spiral-shell", "omelette": "egg cooking",
}  # fmt: skip
"""words -> the concepts expected, any of them"""
PLURALS = {
    "cats": "cat cat-face", "dogs": "dog dog-face", "foxes": "fox", "frogs": "frog", "owls": "owl", "bees": "honeybee",
    "horses": "horse horse-face", "mice": "mouse mouse-face", "elephants": "elephant",
    "apples": "red-apple green-apple", "bananas": "banana", "strawberries": "strawberry", "pizzas": "pizza",
    "cups of coffee": "hot-beverage", "rockets": "rocket", "trees": "deciduous-tree evergreen-tree",
    "roses": "rose bouquet", "snowflakes": "snowflake", "keys": "key old-key", "robots": "robot",
}  # fmt: skip
LOOKS = {
    "a very sad face": "crying-face frowning-face slightly-frowning-face disappointed-face pensive-face "
    "loudly-crying-face",
    "an angry cat": "pouting-cat", "a happy cat": "grinning-cat grinning-cat-with-smiling-eyes cat-face",
    "a laughing face": "face-with-tears-of-joy grinning-face grinning-squinting-face rolling-on-the-floor-laughing",
    "a face with glasses": "nerd-face smiling-face-with-sunglasses face-with-monocle disguised-face",
    "a face in love": "smiling-face-with-heart-eyes smiling-face-with-hearts face-blowing-a-kiss",
    "a furious red face": "enraged-face angry-face face-with-symbols-on-mouth",
    "a big tree": "deciduous-tree evergreen-tree", "a tiny house": "house house-with-garden hut houses",
    "a lovely red rose": "rose", "a bright yellow star": "star glowing-star", "a smiling sun": "sun-with-face",
    "a snowy mountain": "snow-capped-mountain mount-fuji mountain", "a burning heart": "heart-on-fire",
    "a slice of pizza": "pizza", "a glass of beer": "beer-mug clinking-beer-mugs", "a spooky ghost": "ghost",
    "a scary spider": "spider", "a ripe banana": "banana", "a fluffy white rabbit": "rabbit rabbit-face",
    "a golden trophy": "trophy", "a birthday present": "wrapped-gift",
    "a shiny diamond": "gem-stone diamond-with-a-dot", "an old steam train": "locomotive train",
    "a fast red sports car": "racing-car automobile",
}  # fmt: skip
PROBES = {"synonyms": SYNONYMS, "plurals": PLURALS, "looks": LOOKS}

COMMON = {
    "a cat": "cat cat-face grinning-cat black-cat", "a dog": "dog dog-face guide-dog service-dog poodle",
    "a pizza": "pizza", "a rocket": "rocket",
    "a smiling face": "smiling-face smiling-face-with-smiling-eyes slightly-smiling-face grinning-face "
    "grinning-face-with-big-eyes grinning-face-with-smiling-eyes beaming-face-with-smiling-eyes",
    "a red heart": "red-heart heart-suit", "a tree": "deciduous-tree evergreen-tree", "a red fox": "fox",
    "a house": "house house-with-garden houses hut",
    "a car": "automobile oncoming-automobile racing-car sport-utility-vehicle",
    "the sun": "sun sun-with-face bright-button dim-button", "a full moon": "full-moon full-moon-face",
    "a star": "star glowing-star",
    "a flower": "blossom hibiscus cherry-blossom white-flower tulip sunflower rosette lotus", "a rose": "rose",
    "a fish": "fish tropical-fish", "a bird": "bird black-bird dove", "an owl": "owl", "a frog": "frog",
    "a panda": "panda", "a monkey": "monkey monkey-face", "an apple": "red-apple green-apple", "a banana": "banana",
    "a strawberry": "strawberry", "a hamburger": "hamburger", "an ice cream": "ice-cream soft-ice-cream shaved-ice",
    "a birthday cake": "birthday-cake", "a cup of coffee": "hot-beverage teacup-without-handle", "a robot": "robot",
    "a ghost": "ghost", "an alien": "alien alien-monster", "a crown": "crown",
    "a book": "closed-book green-book blue-book orange-book open-book books notebook", "a guitar": "guitar",
    "a soccer ball": "soccer-ball", "a bicycle": "bicycle",
    "an airplane": "airplane small-airplane airplane-departure airplane-arrival", "a sailboat": "sailboat",
    "a snowman": "snowman snowman-without-snow", "a thumbs up": "thumbs-up",
}  # fmt: skip
"""the forty things people are most likely to try first, and what may be seen in their drawings"""


def probed(artist: Artist, judge: Judge, dataset: Dataset, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Draws every probe once; a line a kind, and the misses. Returns a table for the card: kind -> summary."""
    known = told(dataset, artist.card.styles)
    asked = [(kind, words, concepts.split()) for kind, each in PROBES.items() for words, concepts in each.items()]
    drawings = [
        Asked(words=words, style=artist.card.defaults.style, seed=seed) for seed, (_, words, _) in enumerate(asked)
    ]
    places = judge.places(artist.seen_by(judge, drawings), [concepts for *_, concepts in asked])
    groups: dict[str, list[int]] = {kind: [] for kind in (*PROBES, "told", "never_told")}
    missed = []
    for (kind, words, _), place in zip(asked, places, strict=True):
        groups[kind].append(place)
        groups["told" if plain(words) in known else "never_told"].append(place)
        missed += [f"{words} ({place})"] if place > 5 else []
    found = {
        kind: {name.removeprefix("_"): value for name, value in summary("", places).items()}
        for kind, places in groups.items()
        if places
    }
    for kind, numbers in found.items():
        say(f"{kind:<12}" + "  ".join(f"{name} {value:.3g}" for name, value in numbers.items()))
    say(f"not among the evaluator's first five, and where they are: {', '.join(missed) or 'none'}")
    return found


def told(dataset: Dataset, styles: Collection[str]) -> frozenset[str]:
    """Everything that training says of a single picture in English, plainly spelt: captions, words that stand alone,
    and names in the plural."""
    captions = Captions(dataset, name=1, foreign=0, dropped=0, styles=styles)
    whole = {text for record in dataset.records for text in (record.name, *record.captions)}
    forms = {text for pair in captions.forms.values() for text in pair}
    return frozenset(plain(text) for text in whole | forms | set(captions.forms))


def plain(words: str) -> str:
    """Without case and article."""
    words = words.casefold()
    return next((words.removeprefix(a) for a in ("a ", "an ", "the ") if words.startswith(a)), words)
