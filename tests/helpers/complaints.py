"""Invented complaints in six languages, each of one known topic, and texts of none. What varies is in brackets: (this|that)."""

from __future__ import annotations

import random
import re

#: topic -> language -> sentences.
PLANTED: dict[str, dict[str, tuple[str, ...]]] = {
    "late parcel": {
        "en": (
            "My parcel is (late|overdue|delayed) again, I have been waiting for it.",
            "The delivery is (late|delayed) and I am still waiting for the (parcel|package).",
            "(Waiting|I keep waiting) for a parcel that should have been delivered, it is (late|overdue).",
        ),
        "de": (
            "Mein Paket ist (verspätet|zu spät), ich warte immer noch auf die Lieferung.",
            "Die Lieferung verzögert sich, ich warte auf das Paket.",
            "Das Paket kommt (viel zu spät|verspätet), die Lieferung dauert ewig.",
        ),
        "fr": (
            "Mon colis est en retard, j'attends toujours la livraison.",
            "La livraison du colis a (du|beaucoup de) retard.",
            "J'attends mon colis, la livraison est retardée.",
        ),
        "it": (
            "Il mio pacco è in ritardo, aspetto ancora la consegna.",
            "La consegna del pacco è in (forte |)ritardo.",
            "Aspetto il pacco, la consegna ha un ritardo (enorme|notevole).",
        ),
        "es": (
            "Mi paquete llega tarde, sigo esperando la entrega.",
            "La entrega del paquete tiene (mucho |)retraso.",
            "Estoy esperando el paquete, la entrega se ha retrasado.",
        ),
        "pl": (
            "Moja paczka jest opóźniona, wciąż czekam na dostawę.",
            "Dostawa paczki jest (bardzo |)spóźniona.",
            "Czekam na paczkę, dostawa ma opóźnienie.",
        ),
    },
    "charged twice": {
        "en": (
            "I was charged twice, the payment shows double on my card.",
            "You (charged|debited) my card twice for one payment.",
            "A double charge: the payment was taken twice.",
        ),
        "de": (
            "Die Zahlung wurde doppelt abgebucht.",
            "Mir wurde zweimal abgebucht, die Zahlung steht doppelt auf der Karte.",
            "Doppelte Abbuchung der Zahlung auf meiner Karte.",
        ),
        "fr": (
            "Le paiement a été débité en double.",
            "Double débit sur ma carte pour un seul paiement.",
            "J'ai été débité en double, le paiement apparaît en double sur la carte.",
        ),
        "it": (
            "Il pagamento è stato addebitato in doppio.",
            "Doppio addebito sulla carta per un solo pagamento.",
            "Mi avete addebitato il doppio, il pagamento risulta doppio sulla carta.",
        ),
        "es": (
            "El pago se ha cobrado doble en la tarjeta.",
            "Doble cobro en mi tarjeta por un solo pago.",
            "Me han cobrado el pago por duplicado en la tarjeta.",
        ),
        "pl": (
            "Płatność została pobrana podwójnie z karty.",
            "Podwójne obciążenie karty za jedną płatność.",
            "Pobrano płatność dwukrotnie z mojej karty.",
        ),
    },
    "app crashes": {
        "en": (
            "The app (crashes|freezes) when I log in to my account.",
            "Your app keeps crashing at login.",
            "App (freezes|crashes) and the login to my account fails.",
        ),
        "de": (
            "Die App stürzt beim Anmelden ab, mein Konto öffnet nicht.",
            "App hängt beim Login in mein Konto.",
            "Nach der Anmeldung stürzt die App (sofort |)ab.",
        ),
        "fr": (
            "L'application plante à la connexion à mon compte.",
            "L'appli plante dès la connexion.",
            "À chaque connexion au compte l'application plante.",
        ),
        "it": (
            "L'app si blocca quando accedo al mio profilo.",
            "L'applicazione si blocca all'accesso.",
            "Accesso impossibile, l'app si blocca sul profilo.",
        ),
        "es": (
            "La aplicación se bloquea al iniciar sesión en mi cuenta.",
            "La app se cierra al iniciar sesión.",
            "Cada inicio de sesión en la cuenta bloquea la aplicación.",
        ),
        "pl": (
            "Aplikacja zawiesza się przy logowaniu na konto.",
            "Aplikacja wiesza się po zalogowaniu.",
            "Logowanie na konto zawiesza aplikację.",
        ),
    },
    "leaking kettle": {
        "en": (
            "The kettle leaks, water runs (everywhere|over the table).",
            "Water (drips|leaks) from the kettle.",
            "My kettle is leaking water at the bottom.",
        ),
        "de": (
            "Der Wasserkocher tropft, überall ist Wasser.",
            "Aus dem Wasserkocher läuft Wasser, er ist undicht.",
            "Wasserkocher undicht, das Wasser tropft unten heraus.",
        ),
        "fr": (
            "La bouilloire fuit, il y a de l'eau partout.",
            "L'eau goutte de la bouilloire, elle fuit.",
            "Bouilloire qui fuit, l'eau coule par le bas.",
        ),
        "it": (
            "Il bollitore perde acqua (dappertutto|dal fondo).",
            "L'acqua gocciola dal bollitore.",
            "Bollitore con una perdita, acqua sul tavolo.",
        ),
        "es": (
            "El hervidor pierde agua por (abajo|todas partes).",
            "El agua gotea del hervidor.",
            "Hervidor con fuga, agua por la mesa.",
        ),
        "pl": (
            "Czajnik przecieka, woda jest wszędzie.",
            "Woda kapie z czajnika, czajnik przecieka.",
            "Czajnik cieknie, woda leje się od spodu.",
        ),
    },
    "wrong size": {
        "en": (
            "Wrong size, the shoes are too small.",
            "The (shoes|sneakers) came in the wrong size, much too small.",
            "Size is wrong, shoes too tight.",
        ),
        "de": (
            "Falsche Größe, die Schuhe sind zu klein.",
            "Die Schuhe kamen in der falschen Größe, viel zu klein.",
            "Größe falsch, Schuhe zu eng.",
        ),
        "fr": (
            "Mauvaise taille, les chaussures sont trop petites.",
            "Les chaussures sont arrivées dans la mauvaise taille, trop petites.",
            "Taille erronée, chaussures trop serrées.",
        ),
        "it": (
            "Taglia sbagliata, le scarpe sono troppo piccole.",
            "Le scarpe sono della taglia sbagliata, troppo piccole.",
            "Taglia errata, scarpe troppo strette.",
        ),
        "es": (
            "Talla equivocada, los zapatos son demasiado pequeños.",
            "Los zapatos llegaron en la talla equivocada, muy pequeños.",
            "Talla incorrecta, zapatos muy estrechos.",
        ),
        "pl": (
            "Zły rozmiar, buty są za małe.",
            "Buty przyszły w złym rozmiarze, za małe.",
            "Niewłaściwy rozmiar, buty za ciasne.",
        ),
    },
    "rude on the phone": {
        "en": (
            "The hotline was rude and the agent hung up the phone.",
            "Rude (agent|person) on the phone, no answer to my question.",
            "I phoned your hotline, the agent was unfriendly.",
        ),
        "de": (
            "Der Mitarbeiter am Telefon war unfreundlich.",
            "Unfreundlich am Telefon, der Mitarbeiter legte auf.",
            "Die Hotline ist unhöflich, ein Mitarbeiter legte am Telefon auf.",
        ),
        "fr": (
            "Le conseiller au téléphone était impoli.",
            "Conseiller désagréable au téléphone, il a raccroché.",
            "Au téléphone le conseiller a été malpoli.",
        ),
        "it": (
            "L'operatore al telefono era maleducato.",
            "Operatore scortese al telefono, ha riattaccato.",
            "Al telefono un operatore maleducato.",
        ),
        "es": (
            "El agente al teléfono fue grosero.",
            "Agente maleducado al teléfono, colgó.",
            "Por teléfono el agente fue antipático.",
        ),
        "pl": (
            "Konsultant przez telefon był niegrzeczny.",
            "Niemiły konsultant przez telefon, rozłączył się.",
            "Przez telefon konsultant był nieuprzejmy.",
        ),
    },
}
#: Of no topic: questions, thanks and oddities, with a word that differs each time.
OTHER = {
    "en": ("Do you sell {} in green?", "Just a note about {}.", "Can I visit the {} exhibition?", "We moved to {}, please note."),
    "de": ("Verkaufen Sie {} auch in Grün?", "Nur ein Hinweis zu {}.", "Wo finde ich {} bei Ihnen?", "Wir sind nach {} gezogen."),
    "fr": ("Vendez-vous {} en vert ?", "Juste une remarque sur {}.", "Où trouver {} chez vous ?", "Nous sommes partis à {}."),
    "it": ("Vendete {} in verde?", "Solo una nota su {}.", "Dove trovo {} da voi?", "Ci siamo trasferiti a {}."),
    "es": ("¿Venden {} en verde?", "Solo una nota sobre {}.", "¿Dónde encuentro {}?", "Nos mudamos a {}."),
    "pl": ("Czy macie {} w zieleni?", "Tylko uwaga o {}.", "Gdzie znajdę {} u was?", "Przenieśliśmy się do {}."),
}
LANGUAGES = tuple(OTHER)
_SYLLABLES = ("ba", "do", "ke", "lu", "mi", "no", "pra", "si", "tro", "vel", "zan", "gor", "hep")


def said_of(topic: str, language: str, rng: random.Random) -> str:
    """A text of a topic; one in three says something else beside."""
    text = re.sub(r"\(([^()]*)\)", lambda match: rng.choice(match[1].split("|")), rng.choice(PLANTED[topic][language]))
    return f"{text} {said_of_nothing(language, rng)}" if rng.random() < 1 / 3 else text


def said_of_nothing(language: str, rng: random.Random) -> str:
    return rng.choice(OTHER[language]).format("".join(rng.choices(_SYLLABLES, k=3)).capitalize())


def complaints(count: int, seed: int, languages: tuple[str, ...] = LANGUAGES) -> list[tuple[str, str, str]]:
    """So many texts: (topic or "", language, text); a quarter is of no topic, and topics are not equally frequent."""
    rng = random.Random(seed)
    topics = list(PLANTED)
    found = []
    for _ in range(count):
        language = rng.choice(languages)
        topic = "" if rng.random() < 0.25 else rng.choices(topics, weights=range(len(topics) + 2, 2, -1))[0]
        found.append((topic, language, said_of(topic, language, rng) if topic else said_of_nothing(language, rng)))
    return found
