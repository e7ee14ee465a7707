"""Invented texts of customers with the side that they are on: -1 negative, 0 neither, 1 positive."""

from __future__ import annotations

import random

LABELLED: dict[str, list[tuple[str, int]]] = {
    "en": [
        ("The kettle leaked after two days and nobody picks up the phone.", -1),
        ("I was charged twice and the refund is still pending.", -1),
        ("Third time I write about the same fault. This is ridiculous.", -1),
        ("The courier threw the box over the fence, the lid is cracked.", -1),
        ("Your app keeps crashing when I open the basket", -1),
        ("Not what was promised, the fabric feels cheap.", -1),
        ("I have not received any answer so far", -1),
        ("Hi,\nthe charger does not work at all.\n\nKind regards\nTom", -1),
        ("We were kept waiting for an hour and then hung up on", -1),
        ("Could you tell me which size fits a 14 inch laptop?", 0),
        ("I would like to change the delivery address to my office.", 0),
        ("Is the blue one available from next week?", 0),
        ("Please send the invoice to our accounting department.", 0),
        ("Which battery does this lamp take?", 0),
        ("Arrived a day early, well packed, fits perfectly.", 1),
        ("Thanks to Maria, who sorted it out in five minutes!", 1),
        ("Honestly not bad for the price, would buy again", 1),
        ("Lovely material and super comfortable 😍", 1),
        ("The replacement came quickly, I am happy now.", 1),
        ("Brilliant support, friendly and patient.", 1),
        ("No problems at all, everything works.", 1),
    ],
    "de": [
        ("Der Wasserkocher tropft seit gestern und ist undicht.", -1),
        ("Ich habe zweimal gezahlt und warte immer noch auf die Erstattung.", -1),
        ("Niemand geht ans Telefon, das ist eine Frechheit.", -1),
        ("Die App stürzt ständig ab", -1),
        ("Das Paket ist nie angekommen.", -1),
        ("Die Hose ist viel zu klein und die Naht gerissen", -1),
        ("Sehr geehrte Damen und Herren,\ndas Ladegerät funktioniert nicht.\nMit freundlichen Grüßen\nT. Beispiel", -1),
        ("Der Mitarbeiter war unfreundlich und hat mir nicht geholfen", -1),
        ("Welche Größe passt zu einem Laptop mit 14 Zoll?", 0),
        ("Bitte ändern Sie die Lieferadresse auf mein Büro.", 0),
        ("Ist das blaue Modell ab nächster Woche verfügbar?", 0),
        ("Können Sie mir die Rechnung als PDF schicken?", 0),
        ("Einen Tag früher da, gut verpackt, passt perfekt.", 1),
        ("Frau Muster hat alles in fünf Minuten gelöst, vielen Dank!", 1),
        ("Gar nicht schlecht für den Preis", 1),
        ("Schöner Stoff und sehr bequem 😍", 1),
        ("Der Ersatz kam schnell, ich bin zufrieden.", 1),
        ("Immer wieder gerne, alles bestens", 1),
        ("Kein Problem mit der Rückgabe, sehr freundlich", 1),
    ],
    "fr": [
        ("La bouilloire fuit depuis hier, elle est défectueuse.", -1),
        ("J'ai été débité deux fois et j'attends toujours le remboursement.", -1),
        ("Personne ne répond au téléphone, c'est honteux.", -1),
        ("L'application plante sans arrêt", -1),
        ("Le colis n'est jamais arrivé.", -1),
        ("Ça ne marche pas du tout.", -1),
        ("Bonjour,\nle chargeur est tombé en panne au bout de trois jours.\nCordialement\nT. Exemple", -1),
        ("Le vendeur a été désagréable et ne m'a pas aidé", -1),
        ("Quelle taille convient à un ordinateur de 14 pouces ?", 0),
        ("Je voudrais modifier l'adresse de livraison.", 0),
        ("Le modèle bleu sera en stock la semaine prochaine ?", 0),
        ("Pouvez-vous m'envoyer la facture en PDF ?", 0),
        ("Arrivé un jour plus tôt, bien emballé, taille parfaite.", 1),
        ("Merci à Marie qui a tout réglé en cinq minutes !", 1),
        ("Pas mal du tout pour le prix", 1),
        ("Belle matière et très confortable 😍", 1),
        ("Le remplacement est venu rapidement, je suis contente.", 1),
        ("Service client à l'écoute, aimable et efficace.", 1),
        ("Aucun problème, je recommande.", 1),
    ],
    "it": [
        ("Il bollitore perde acqua da ieri, è difettoso.", -1),
        ("Mi avete addebitato due volte e aspetto ancora il rimborso.", -1),
        ("Nessuno risponde al telefono, è una vergogna.", -1),
        ("L'app si blocca di continuo", -1),
        ("Il pacco non è mai arrivato.", -1),
        ("Non funziona per niente.", -1),
        ("Buongiorno,\nil caricabatterie si è rotto dopo tre giorni.\nCordiali saluti\nT. Esempio", -1),
        ("L'operatore è stato maleducato e non mi ha aiutato", -1),
        ("Quale misura va con un portatile da 14 pollici?", 0),
        ("Vorrei cambiare l'indirizzo di consegna.", 0),
        ("Il modello blu sarà disponibile la prossima settimana?", 0),
        ("Potete inviarmi la fattura in PDF?", 0),
        ("Arrivato un giorno prima, imballato bene, perfetto.", 1),
        ("Grazie a Maria che ha risolto tutto in cinque minuti!", 1),
        ("Niente male per il prezzo", 1),
        ("Bel tessuto e molto comodo 😍", 1),
        ("Il ricambio è arrivato velocemente, sono contenta.", 1),
        ("Assistenza cortese ed efficiente.", 1),
        ("Nessun problema, lo consiglio.", 1),
    ],
    "es": [
        ("El hervidor pierde agua desde ayer, está defectuoso.", -1),
        ("Me han cobrado dos veces y sigo esperando el reembolso.", -1),
        ("Nadie contesta al teléfono, es una vergüenza.", -1),
        ("La aplicación se bloquea todo el tiempo", -1),
        ("El paquete nunca llegó.", -1),
        ("No funciona para nada.", -1),
        ("Hola,\nel cargador se rompió a los tres días.\nUn saludo\nT. Ejemplo", -1),
        ("El empleado fue grosero y no me ayudó", -1),
        ("¿Qué talla va con un portátil de 14 pulgadas?", 0),
        ("Quisiera cambiar la dirección de entrega.", 0),
        ("¿El modelo azul estará disponible la próxima semana?", 0),
        ("¿Pueden enviarme la factura en PDF?", 0),
        ("Llegó un día antes, bien embalado, perfecto.", 1),
        ("¡Gracias a María, que lo solucionó en cinco minutos!", 1),
        ("Nada mal por el precio", 1),
        ("Tela bonita y muy cómoda 😍", 1),
        ("El recambio llegó rápido, estoy contenta.", 1),
        ("Atención amable y eficiente.", 1),
        ("Ningún problema, lo recomiendo.", 1),
    ],
    "pl": [
        ("Czajnik przecieka od wczoraj, jest wadliwy.", -1),
        ("Pobrano opłatę dwa razy i nadal nie mam zwrotu pieniędzy.", -1),
        ("Nikt nie odbiera telefonu, to skandal.", -1),
        ("Aplikacja ciągle się zawiesza", -1),
        ("Paczka nigdy nie dotarła.", -1),
        ("To w ogóle nie działa.", -1),
        ("Dzień dobry,\nładowarka zepsuła się po trzech dniach.\nPozdrawiam\nT. Przykład", -1),
        ("Pracownik był niemiły i nie pomógł mi", -1),
        ("Jaki rozmiar pasuje do laptopa 14 cali?", 0),
        ("Proszę o zmianę adresu dostawy.", 0),
        ("Czy niebieski model będzie dostępny w przyszłym tygodniu?", 0),
        ("Czy mogą Państwo wysłać fakturę w PDF?", 0),
        ("Dotarło dzień wcześniej, dobrze zapakowane, idealnie pasuje.", 1),
        ("Dziękuję pani Marii, która rozwiązała to w pięć minut!", 1),
        ("Całkiem nieźle za tę cenę, polecam", 1),
        ("Ładny materiał i bardzo wygodny 😍", 1),
        ("Wymiana przyszła szybko, jestem zadowolona.", 1),
        ("Obsługa uprzejma i profesjonalna.", 1),
        ("Bez problemu, wszystko w porządku.", 1),
    ],
}
#: Words that no lexicon knows, as a trade has them, and others that say nothing.
_TRADE = {-1: ("zwarbel", "klonkert", "drupsig"), 0: ("mirol",), 1: ("flumink", "sprosch", "telvaro")}
_FILLERS = ("le", "carton", "mardi", "bleu", "modèle", "numéro", "sur", "la", "table", "bureau", "avec", "deux", "pièces")


def labelled_texts(language: str, count: int, seed: int) -> tuple[list[str], list[int]]:
    """Texts that differ, whose side hangs on words that only labels can teach; one in ten is labelled at random."""
    rng = random.Random(f"{language} {seed}")
    texts, labels = [], []
    for number in range(count):
        side = rng.choice((-1, 0, 1))
        words = [*rng.sample(_FILLERS, 5), rng.choice(_TRADE[side]), f"{seed}x{number}"]
        rng.shuffle(words)
        texts.append(" ".join(words))
        labels.append(rng.choice((-1, 0, 1)) if rng.random() < 0.1 else side)
    return texts, labels
