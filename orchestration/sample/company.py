"""What the sample company is like: the numbers and words that the generators draw from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

#: The last day of every sample; what a run on it should take as its date.
SAMPLE_END = date(2026, 6, 30)
TIMEZONE = "Europe/Berlin"
OPENS_HOUR, CLOSES_HOUR = 8, 18

COUNTRIES = {"DE": 0.45, "AT": 0.12, "FR": 0.18, "NL": 0.10, "PL": 0.15}
LANGUAGES = {"DE": "de", "AT": "de", "FR": "fr", "NL": "nl", "PL": "pl"}
SEGMENTS = {"consumer": 0.8, "business": 0.15, "vip": 0.05}
PLANS = ("Basic", "Basic", "Plus", "Pro")
SALES_CHANNELS = {"webshop": 0.7, "amazon": 0.2, "ebay": 0.1}
TICKET_CHANNELS = {"Mail": 0.45, "Live chat": 0.2, "Web form": 0.15, "Facebook message": 0.1, "Help Center": 0.1}
MARKETPLACE_VIA = "Marketplace"
#: Median minutes until an agent answers, by channel.
ANSWER_MINUTES = {
    "Mail": 120, "Live chat": 0.25, "Web form": 150, "Facebook message": 1.2, "Help Center": 140, "Marketplace": 110,
}  # fmt: skip
TEAMS = ("First line", "Logistics", "Billing")
TOPIC_TEAM = {
    "late delivery": "Logistics",
    "damaged item": "Logistics",
    "return": "Logistics",
    "invoice": "Billing",
    "payment": "Billing",
    "product question": "First line",
    "account": "First line",
}
GENERAL_TOPICS = {"product question": 0.35, "account": 0.2, "invoice": 0.15, "payment": 0.15, "return": 0.15}
COMPLAINT_TOPICS = ("late delivery", "damaged item")
CATEGORIES = ("kitchen", "garden", "lighting", "office", "outdoor", "textiles")
FIRST_NAMES = ("Anna", "Jonas", "Lena", "Marek", "Sophie", "Piotr", "Emma", "Luuk", "Clara", "Paul", "Zoé", "Jürgen")
LAST_NAMES = ("Keller", "Nowak", "Dubois", "Jansen", "Huber", "Moreau", "Fischer", "Wójcik", "de Vries", "Weiß")
#: What reviews say, by language: of two stars or fewer, of three, of more. The same sentences in the same order in each.
BLAME, MIXED, PRAISE = range(3)
REVIEWS = {
    "de": (
        ("Kam eine Woche zu spät und niemand hat geantwortet.", "Kaputt angekommen, warte immer noch auf die Erstattung."),
        ("In Ordnung, aber das Paket hat lange gebraucht.", 'Gutes Produkt; die Anleitung ist "dünn".'),
        ("Kam schnell an, genau wie beschrieben.", "Tolle Qualität!\nWürde wieder kaufen.", "Freundliche Hilfe, danke 😊"),
    ),
    "fr": (
        ("Arrivé une semaine en retard et personne n'a répondu.", "Cassé à l'arrivée, j'attends toujours le remboursement."),
        ("Correct, mais le colis a mis du temps.", 'Bon produit ; la notice est "mince".'),
        ("Arrivé rapidement, exactement comme décrit.", "Belle qualité !\nJ'achèterais à nouveau.", "Aide aimable, merci 😊"),
    ),
    "nl": (
        ("Kwam een week te laat en niemand antwoordde.", "Kapot aangekomen, wacht nog steeds op de terugbetaling."),
        ("Prima, maar het pakket deed er lang over.", 'Goed product; de handleiding is "dun".'),
        ("Snel aangekomen, precies zoals beschreven.", "Geweldige kwaliteit!\nZou weer kopen.", "Vriendelijke hulp, bedankt 😊"),
    ),
    "pl": (
        ("Przyszło tydzień za późno i nikt nie odpowiedział.", "Uszkodzone po dostawie, wciąż czekam na zwrot pieniędzy."),
        ("W porządku, ale paczka szła długo.", 'Dobry produkt; instrukcja jest "skromna".'),
        ("Dotarło szybko, dokładnie jak w opisie.", "Świetna jakość!\nKupię ponownie.", "Miła pomoc, dziękuję 😊"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """What to generate: ``customers`` people over the ``days`` that end with SAMPLE_END."""

    customers: int
    days: int
    seed: int
    #: Chats that a bot answers first, on top of the rest.
    has_bots: bool = False

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(SAMPLE_END + timedelta(days=1 - self.days), datetime.min.time())

    @property
    def day_after(self) -> date:
        """The first day of which the sample has no data."""
        return SAMPLE_END + timedelta(days=1)

    @property
    def ends_at(self) -> datetime:
        """Midnight of the company: what happens later is after the date of a run on the sample."""
        midnight = datetime.combine(self.day_after, datetime.min.time(), ZoneInfo(TIMEZONE))
        return midnight.astimezone(UTC).replace(tzinfo=None)

    @property
    def seconds(self) -> float:
        return (self.ends_at - self.starts_at).total_seconds()

    @property
    def agents(self) -> int:
        return max(9, round(self.customers / 400))


@dataclass(frozen=True)
class Product:
    """One row of the catalogue."""

    product_id: str
    name: str
    category: str
    price: float
    cost: float


def products() -> list[Product]:
    """The catalogue, the same in every sample."""
    rng = np.random.default_rng(7)
    result = []
    for number in range(60):
        category = CATEGORIES[number % len(CATEGORIES)]
        price = float(np.round(rng.lognormal(3.3, 0.7), 2))
        result.append(
            Product(f"P{number:03d}", f"{category} item {number}", category, price, round(price * rng.uniform(0.4, 0.7), 2))
        )
    return result


def pick(rng: np.random.Generator, weights: dict[str, float], size: int) -> np.ndarray:
    """Draw ``size`` keys by their weights."""
    shares = np.array(list(weights.values()))
    return rng.choice(np.array(list(weights), dtype=object), size=size, p=shares / shares.sum())


def busy_times(rng: np.random.Generator, times: np.ndarray, office: bool) -> np.ndarray:
    """Move instants (datetime64[s]) within their week to the hours and days at which people write, call or buy."""
    days = times.astype("datetime64[D]")
    weekday = (days.astype(int) + 3) % 7
    shift = np.where((weekday >= 5) & (rng.random(len(times)) < (0.9 if office else 0.3)), 7 - weekday, 0)
    centre, spread = (12.5, 2.6) if office else (16.5, 4.0)
    hours = np.clip(rng.normal(centre, spread, len(times)), 8 if office else 0, 17.9 if office else 23.9)
    seconds = (hours * 3600).astype(int)
    return days.astype("datetime64[s]") + (shift * 86400 + seconds).astype("timedelta64[s]")


def to_open_hours(times: np.ndarray) -> np.ndarray:
    """Push instants outside of the opening hours (UTC, for simplicity of a sample) to the next opening."""
    days = times.astype("datetime64[D]")
    second = (times - days.astype("datetime64[s]")).astype(int)
    opens, closes = OPENS_HOUR * 3600, CLOSES_HOUR * 3600
    days = np.where(second >= closes, days + 1, days)
    second = np.where(second >= closes, opens + second % 1800, np.maximum(second, opens + second % 600))
    weekday = (days.astype(int) + 3) % 7
    days = np.where(weekday >= 5, days + (7 - weekday), days)
    return days.astype("datetime64[s]") + second.astype("timedelta64[s]")
