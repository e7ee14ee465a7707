"""Texts by two writers who had not seen the word lists: -1 negative, 0 neither, 1 positive. Not for changing these lists."""

from __future__ import annotations

from pathlib import Path

import yaml

SECOND_WRITER: dict[str, dict[int, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("second_writer.yml").read_text(encoding="utf-8")
)
HELD_OUT: dict[str, dict[int, tuple[str, ...]]] = {
    "en": {
        -1: (
            "Four weeks in and the drawer already sticks, I regret buying this.",
            "You told me Tuesday. It is Friday. Where is my bed?",
            "The hinge snapped the first time my daughter opened it",
            "I had to explain everything from scratch to three different agents.",
            "Money gone from my account and no booking, just an error page.",
            "Smells of glue even after a month by the open window",
            "Please stop sending me invoices for a contract I ended in March!",
            "Instructions are a joke, half of the screws did not fit.",
        ),
        0: (
            "Which bulb do I need for the hallway model?",
            "Can the pick-up be moved to Thursday afternoon?",
            "I enclose the receipt you asked for.",
            "Is it possible to add a second user to our plan?",
            "We will be away until the 14th, the neighbour takes parcels.",
        ),
        1: (
            "Sturdy, quiet and half the price of my last one.",
            "The lady on the phone stayed with me until it was sorted, wonderful.",
            "Was sceptical at first but it does exactly what it says.",
            "Ordered at noon, on my desk next morning!",
            "My kids adore it, we are getting another for grandma",
            "Five years old and still runs like new.",
            "Refund arrived the same day, can't complain.",
        ),
    },
    "de": {
        -1: (
            "Nach vier Wochen klemmt schon die Schublade, ich bereue den Kauf.",
            "Zum dritten Mal vertröstet, so geht man nicht mit Kunden um.",
            "Das Scharnier ist beim ersten Öffnen abgebrochen",
            "Mein Geld ist weg und eine Buchung gibt es auch nicht.",
            "Stinkt auch nach einem Monat noch nach Kleber",
            "Hört endlich auf, mir Rechnungen für einen gekündigten Vertrag zu schicken!",
            "Die Anleitung ist ein Witz, die Hälfte der Schrauben passt nicht.",
            "Keiner fühlt sich zuständig, ich werde nur herumgereicht.",
        ),
        0: (
            "Welche Lampe brauche ich für das Flurmodell?",
            "Lässt sich die Abholung auf Donnerstagnachmittag verlegen?",
            "Anbei der gewünschte Beleg.",
            "Kann man einen zweiten Nutzer hinzufügen?",
            "Wir sind bis zum 14. verreist, der Nachbar nimmt Pakete an.",
        ),
        1: (
            "Stabil, leise und halb so teuer wie mein letzter.",
            "Die Dame am Telefon blieb dran, bis alles geklärt war, wunderbar.",
            "War erst skeptisch, aber es hält, was es verspricht.",
            "Mittags bestellt, am nächsten Morgen da!",
            "Meine Kinder lieben es, wir holen noch eins für Oma",
            "Fünf Jahre alt und läuft wie am ersten Tag.",
            "Das Geld war noch am selben Tag zurück, da kann man nicht meckern.",
        ),
    },
    "fr": {
        -1: (
            "Au bout de quatre semaines le tiroir coince déjà, je regrette mon achat.",
            "Vous aviez dit mardi, nous sommes vendredi. Où est mon lit ?",
            "La charnière a cédé à la première ouverture",
            "J'ai dû tout réexpliquer à trois conseillers différents.",
            "L'argent est parti de mon compte et aucune réservation.",
            "Ça sent la colle même après un mois",
            "Arrêtez de m'envoyer des factures pour un contrat résilié en mars !",
            "La notice est une blague, la moitié des vis n'allait pas.",
        ),
        0: (
            "Quelle ampoule faut-il pour le modèle du couloir ?",
            "Peut-on déplacer l'enlèvement à jeudi après-midi ?",
            "Ci-joint le reçu demandé.",
            "Est-il possible d'ajouter un deuxième utilisateur ?",
            "Nous serons absents jusqu'au 14, le voisin prend les colis.",
        ),
        1: (
            "Solide, silencieux et moitié moins cher que mon ancien.",
            "La dame au téléphone est restée jusqu'au bout, formidable.",
            "J'étais sceptique, mais il fait exactement ce qui est annoncé.",
            "Commandé à midi, reçu le lendemain matin !",
            "Mes enfants l'adorent, on en reprend un pour mamie",
            "Cinq ans et il marche comme au premier jour.",
            "Remboursé le jour même, rien à redire.",
        ),
    },
    "it": {
        -1: (
            "Dopo quattro settimane il cassetto si incastra già, mi pento dell'acquisto.",
            "Avevate detto martedì, oggi è venerdì. Dov'è il mio letto?",
            "La cerniera si è staccata alla prima apertura",
            "Ho dovuto rispiegare tutto da capo a tre operatori diversi.",
            "I soldi sono spariti dal conto e nessuna prenotazione.",
            "Puzza di colla anche dopo un mese",
            "Smettetela di mandarmi fatture per un contratto chiuso a marzo!",
            "Le istruzioni fanno ridere, metà delle viti non andava bene.",
        ),
        0: (
            "Quale lampadina serve per il modello da corridoio?",
            "Si può spostare il ritiro a giovedì pomeriggio?",
            "Allego la ricevuta richiesta.",
            "È possibile aggiungere un secondo utente?",
            "Saremo via fino al 14, i pacchi li prende il vicino.",
        ),
        1: (
            "Robusto, silenzioso e costa la metà del precedente.",
            "La signora al telefono è rimasta fino alla fine, meravigliosa.",
            "Ero scettico, ma fa esattamente quello che promette.",
            "Ordinato a mezzogiorno, arrivato la mattina dopo!",
            "I miei figli lo adorano, ne prendiamo un altro per la nonna",
            "Ha cinque anni e va come nuovo.",
            "Rimborso lo stesso giorno, niente da dire.",
        ),
    },
    "es": {
        -1: (
            "A las cuatro semanas el cajón ya se atasca, me arrepiento de la compra.",
            "Dijeron el martes y hoy es viernes. ¿Dónde está mi cama?",
            "La bisagra se partió la primera vez que la abrí",
            "Tuve que explicarlo todo de nuevo a tres agentes distintos.",
            "El dinero desapareció de mi cuenta y no hay reserva.",
            "Huele a pegamento incluso después de un mes",
            "¡Dejen de mandarme facturas de un contrato que cerré en marzo!",
            "Las instrucciones son de risa, la mitad de los tornillos no encajaba.",
        ),
        0: (
            "¿Qué bombilla necesito para el modelo del pasillo?",
            "¿Se puede cambiar la recogida al jueves por la tarde?",
            "Adjunto el recibo solicitado.",
            "¿Es posible añadir un segundo usuario?",
            "Estaremos fuera hasta el 14, el vecino recoge los paquetes.",
        ),
        1: (
            "Resistente, silencioso y a mitad de precio que el anterior.",
            "La señora del teléfono se quedó hasta el final, maravillosa.",
            "Era escéptico, pero hace exactamente lo que promete.",
            "Pedido al mediodía, recibido a la mañana siguiente.",
            "A mis hijos les encanta, compraremos otro para la abuela",
            "Tiene cinco años y funciona como el primer día.",
            "Me devolvieron el dinero el mismo día, nada que objetar.",
        ),
    },
    "pl": {
        -1: (
            "Po czterech tygodniach szuflada już się zacina, żałuję zakupu.",
            "Miało być we wtorek, dziś piątek. Gdzie moje łóżko?",
            "Zawias pękł przy pierwszym otwarciu",
            "Musiałem wszystko tłumaczyć od nowa trzem konsultantom.",
            "Pieniądze zniknęły z konta, a rezerwacji nie ma.",
            "Śmierdzi klejem nawet po miesiącu",
            "Przestańcie mi przysyłać faktury za umowę zakończoną w marcu!",
            "Instrukcja to kpina, połowa śrub nie pasowała.",
        ),
        0: (
            "Jaka żarówka pasuje do modelu do przedpokoju?",
            "Czy odbiór można przełożyć na czwartek po południu?",
            "W załączniku przesyłam paragon.",
            "Czy można dodać drugiego użytkownika?",
            "Nie będzie nas do 14., paczki odbiera sąsiad.",
        ),
        1: (
            "Solidny, cichy i o połowę tańszy od poprzedniego.",
            "Pani przez telefon była ze mną do końca, cudowna.",
            "Byłem sceptyczny, ale robi dokładnie to, co obiecuje.",
            "Zamówione w południe, rano było na miejscu!",
            "Dzieci go uwielbiają, kupimy drugi dla babci",
            "Ma pięć lat i działa jak nowy.",
            "Zwrot pieniędzy tego samego dnia, nie mam zastrzeżeń.",
        ),
    },
}
