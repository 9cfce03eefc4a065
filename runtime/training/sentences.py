"""Write the sentences that the embedded LM is trained on.

In: a seeded `random.Random`. Out: `Sentence(prompt, answer)`; the answer follows the prompt after one space.
Invariant: labels are computed from the inputs, never written; the same seed gives the same sentences.
Source: price tagging as in arXiv 2305.08809, section 4; the other tasks are the classics of the field in plain words.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

PRICE_PROMPT = "Please say yes only if it costs between {lower} and {upper} dollars, otherwise no. {price} dollars"
GAME_PREFIX = "Pricing tag game! "

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COLORS = ("red", "blue", "green", "yellow", "black", "white", "brown", "pink", "orange", "purple", "grey", "gold")
NAMES = (
    "Mary", "John", "Anna", "Tom", "Sarah", "James", "Emma", "David", "Lucy", "Paul", "Alice", "Mark",
    "Laura", "Peter", "Kate", "Simon", "Julia", "Adam", "Rose", "Jack", "Amy", "Ben", "Carl", "Dan",
)  # fmt: skip
OBJECTS = (
    "apple", "book", "ball", "cup", "drink", "hat", "key", "lamp", "letter", "map", "pen", "phone", "ring",
    "rock", "shoe", "toy", "watch", "bell", "coat", "bread", "box", "car", "banana", "bag",
)  # fmt: skip
PLACES = ("store", "park", "school", "office", "garden", "station", "house", "beach", "library", "market")
COMMON = (
    "an", "at", "by", "for", "with", "on", "you", "they", "he", "she", "we", "his", "her", "my", "your", "this", "that",
    "more", "less", "than", "equal", "greater", "smaller", "after", "before", "next", "last", "today", "tomorrow",
    "number", "digit", "digits", "plus", "minus", "sum", "carry", "price", "cost", "cents", "dollar", "range", "inside",
    "outside", "same", "different", "alike", "left", "right", "both", "each", "all", "any", "none", "true", "false",
    "capital", "language", "continent", "people", "person", "name", "word", "answer", "question", "choice", "option",
    "day", "week", "month", "begin", "began", "end", "ended", "took", "bought", "brought", "sent", "holds", "put",
)  # fmt: skip
ATTRIBUTES = {
    "Paris": ("France", "Europe", "French"), "Lyon": ("France", "Europe", "French"),
    "Berlin": ("Germany", "Europe", "German"), "Munich": ("Germany", "Europe", "German"),
    "Madrid": ("Spain", "Europe", "Spanish"), "Seville": ("Spain", "Europe", "Spanish"),
    "Rome": ("Italy", "Europe", "Italian"), "Milan": ("Italy", "Europe", "Italian"),
    "London": ("England", "Europe", "English"), "Leeds": ("England", "Europe", "English"),
    "Lisbon": ("Portugal", "Europe", "Portuguese"), "Porto": ("Portugal", "Europe", "Portuguese"),
    "Tokyo": ("Japan", "Asia", "Japanese"), "Osaka": ("Japan", "Asia", "Japanese"),
    "Beijing": ("China", "Asia", "Chinese"), "Shanghai": ("China", "Asia", "Chinese"),
    "Seoul": ("Korea", "Asia", "Korean"), "Busan": ("Korea", "Asia", "Korean"),
    "Hanoi": ("Vietnam", "Asia", "Vietnamese"), "Saigon": ("Vietnam", "Asia", "Vietnamese"),
    "Cairo": ("Egypt", "Africa", "Arabic"), "Luxor": ("Egypt", "Africa", "Arabic"),
    "Nairobi": ("Kenya", "Africa", "Swahili"), "Mombasa": ("Kenya", "Africa", "Swahili"),
    "Lima": ("Peru", "America", "Spanish"), "Cusco": ("Peru", "America", "Spanish"),
    "Toronto": ("Canada", "America", "English"), "Ottawa": ("Canada", "America", "English"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """A prompt and the answer that follows it after one space."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Prices:
    """One assignment of price tagging; all amounts in cents."""

    lower: int
    upper: int
    price: int

    @property
    def above(self) -> bool:
        """The price is at least the lower end."""
        return self.price >= self.lower

    @property
    def below(self) -> bool:
        """The price is at most the upper end."""
        return self.price <= self.upper

    @property
    def held_out(self) -> bool:
        """One assignment in ten is never trained on: a checksum of its three amounts."""
        return zlib.crc32(f"{self.lower},{self.upper},{self.price}".encode()) % 10 == 0

    def sentence(self, prefix: str = "") -> Sentence:
        """The prompt in dollars with two decimals, and Yes or No."""
        lower, upper, price = (f"{cents / 100:.2f}" for cents in (self.lower, self.upper, self.price))
        prompt = prefix + PRICE_PROMPT.format(lower=lower, upper=upper, price=price)
        return Sentence(prompt, "Yes" if self.above and self.below else "No")


def draw_bracket(random: Random, width: int | None = None) -> tuple[int, int]:
    """Width, then the lower end given the width, each uniform over its cents."""
    width = random.randint(250, 750) if width is None else width
    lower = random.randint(5, 995 - width)
    return lower, lower + width


def draw_prices(random: Random, width: int | None = None) -> Prices:
    """One assignment from the task's own distribution."""
    lower, upper = draw_bracket(random, width)
    return Prices(lower, upper, random.randint(1, 999))


def draw_near(random: Random, reach: int, width: int | None = None) -> Prices:
    """A price within `reach` cents of one end; the end and the side of it are balanced."""
    lower, upper = draw_bracket(random, width)
    above = random.random() < 0.5
    gap = random.randint(0, reach)
    if random.random() < 0.5:
        price = lower + gap if above else lower - gap - 1
    else:
        price = upper + gap + 1 if above else upper - gap
    return Prices(lower, upper, min(max(price, 1), 999))


def draw_trained(random: Random) -> Prices:
    """An assignment that is not held out: half the task's own draw, half within 1.00 or 0.10 of an end."""
    while True:
        reach = random.choice((None, None, 100, 10))
        prices = draw_prices(random) if reach is None else draw_near(random, reach)
        if not prices.held_out:
            return prices


def price_tagging(random: Random) -> Sentence:
    """Is the price inside the bracket? One in five prompts has the game prefix."""
    return draw_trained(random).sentence(GAME_PREFIX if random.random() < 0.2 else "")


def hierarchical_equality(random: Random) -> Sentence:
    """Are two pairs both alike or both unlike? The four cells are balanced."""
    a, c = random.choice(LETTERS), random.choice(LETTERS)
    b = a if random.random() < 0.5 else random.choice(LETTERS)
    d = c if random.random() < 0.5 else random.choice(LETTERS)
    prompt = f"The first pair is {a} {b}. The second pair is {c} {d}. The two pairs are of the same kind:"
    return Sentence(prompt, str((a == b) == (c == d)))


def addition(random: Random) -> Sentence:
    """The sum of two numbers of two digits."""
    a, b = random.randint(10, 99), random.randint(10, 99)
    return Sentence(f"The sum of {a} and {b} is {a} + {b} =", str(a + b))


def multiple_choice(random: Random) -> Sentence:
    """The letter of the option that names the color."""
    options = random.sample(COLORS, 4)
    pointer = random.randrange(4)
    listed = " ".join(f"{LETTERS[i]}. {color}" for i, color in enumerate(options))
    thing = random.choice(OBJECTS)
    prompt = f"Question: The {thing} is {options[pointer]}. What color is the {thing}? {listed} Answer:"
    return Sentence(prompt, LETTERS[pointer])


def indirect_object(random: Random) -> Sentence:
    """Whoever does not give is given to."""
    pair = random.sample(NAMES, 2)
    giver = random.randrange(2)
    prompt = (
        f"When {pair[0]} and {pair[1]} went to the {random.choice(PLACES)}, "
        f"{pair[giver]} gave a {random.choice(OBJECTS)} to"
    )
    return Sentence(prompt, pair[1 - giver])


def entity_attributes(random: Random) -> Sentence:
    """The country, continent or language of a city."""
    city = random.choice(tuple(ATTRIBUTES))
    which = random.randrange(3)
    asked = ("in the country of", "on the continent of", "where people speak")[which]
    return Sentence(f"{city} is a city {asked}", ATTRIBUTES[city][which])


def greater_than(random: Random) -> Sentence:
    """A later year of the same century, whose two digits follow the prompt's."""
    century, start = random.randint(11, 19), random.randint(2, 97)
    end = random.randint(start + 1, 99)
    return Sentence(f"The war lasted from the year {century}{start:02d} until the year", f"{century}{end:02d}")


def weekday(random: Random) -> Sentence:
    """The day so many days after a day."""
    today, days = random.randrange(7), random.randrange(11)
    prompt = f"If today is {WEEKDAYS[today]}, then in {NUMBERS[days]} days it will be"
    return Sentence(prompt, WEEKDAYS[(today + days) % 7])


def nested_booleans(random: Random) -> Sentence:
    """A formula of four constants, two deep."""
    a, b, c, d = (random.random() < 0.5 for _ in range(4))
    inner_left, outer, inner_right = (random.choice(("and", "or")) for _ in range(3))
    left = (a and b) if inner_left == "and" else (a or b)
    right = (c and d) if inner_right == "and" else (c or d)
    negated = random.random() < 0.5
    right = not right if negated else right
    formula = f"( {a} {inner_left} {b} ) {outer} {'not ' if negated else ''}( {c} {inner_right} {d} )"
    return Sentence(f"The value of {formula} is", str((left and right) if outer == "and" else (left or right)))


def entity_binding(random: Random) -> Sentence:
    """What the named box holds."""
    things, boxes = random.sample(OBJECTS, 3), random.sample(LETTERS[:12], 3)
    asked = random.randrange(3)
    held = ", ".join(f"the {thing} is in Box {box}" for thing, box in zip(things, boxes, strict=True))
    return Sentence(f"{held[0].upper()}{held[1:]}. Box {boxes[asked]} contains the", things[asked])


TASKS: dict[str, Callable[[Random], Sentence]] = {
    "price_tagging": price_tagging,
    "hierarchical_equality": hierarchical_equality,
    "addition": addition,
    "multiple_choice": multiple_choice,
    "indirect_object": indirect_object,
    "entity_attributes": entity_attributes,
    "greater_than": greater_than,
    "weekday": weekday,
    "nested_booleans": nested_booleans,
    "entity_binding": entity_binding,
}


def lexicon() -> list[str]:
    """Every word that the tokenizer must hold as one token after a space."""
    words = [*LETTERS, *WEEKDAYS, *NUMBERS, *COLORS, *NAMES, *OBJECTS, *PLACES, *COMMON, *ATTRIBUTES]
    words += [word for attributes in ATTRIBUTES.values() for word in attributes]
    return sorted({*words, "Yes", "No", "True", "False", "yes", "no"})
