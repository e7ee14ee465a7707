"""What the customer wrote of a text: without markup, quoted replies, signatures, greetings and closing words."""

from __future__ import annotations

import html
import re

#: No more of a text is read: what follows is a log or an attachment.
MAX_CHARACTERS = 20_000
_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/li|/tr)\b[^>]{0,200}>", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:[a-z][a-z0-9]{0,15}|/[a-z][a-z0-9]{0,15}|!--)(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_LINKS = re.compile(r"(?:https?://|www\.)\S+")
#: Lines with which the quoted part of a mail begins, in the languages of the usual programs.
_QUOTES = re.compile(
    r"""
    ^\s*(?:
      -{2,}\s*(?:original\s+message|forwarded\s+message|ursprüngliche\s+nachricht|weitergeleitete\s+nachricht|original(?:nachricht)?
        |message\s+(?:d'origine|original|transféré)|messaggio\s+(?:originale|inoltrato)|mensaje\s+(?:original|reenviado)
        |mensagem\s+(?:original|encaminhada)|(?:oryginalna\s+)?wiadomość(?:\s+oryginalna)?)\b.*
      | on\s.{5,200}\bwrote:?
      | am\s.{5,200}\bschrieb\b.*:?
      | le\s.{5,200}\ba\s+écrit\s*:?
      | il\s.{5,200}\bha\s+scritto\s*:?
      | el\s.{5,200}\bescribió\s*:?
      | em\s.{5,200}\bescreveu\s*:?
      | (?:w\s+)?(?:dniu|dnia|pon|wt|śr|czw|pt|sob|niedz)\b.{5,200}\b(?:napisał|pisze|napisała|napisał\(a\))\b.*:?
      | (?:from|von|de|da|od|para|sent|gesendet|envoyé|inviato|enviado|wysłano)\s*:\s.*(?:@|\d{4}).*
      | _{10,}
    )\s*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
#: Closing words: they and what is below them are no part of what is said, if little is below.
_CLOSINGS = re.compile(
    r"""
    ^\s*(?:--\s*$|
      (?:best|kind|warm|many)?\s*regards | best\s+wishes | (?:yours\s+)?sincerely(?:\s+yours)? | yours\s+(?:faithfully|truly)
      | cheers
      | sent\s+from\s+my\s.* | get\s+outlook\s+for\s.*
      | mit\s+freundlichen\s+grü(?:ß|ss)en | (?:viele|beste|liebe|freundliche|herzliche|schöne)\s+grü(?:ß|ss)e(?:\s.{0,30})?
      | mfg | lg | vg | hochachtungsvoll | von\s+meinem\s.{1,30}\sgesendet
      | (?:bien\s+)?cordialement | (?:sincères|meilleures|cordiales)\s+salutations | bien\s+à\s+vous | salutations(?:\s.{0,30})?
      | envoyé\s+de(?:puis)?\s+mon\s.*
      | (?:cordiali|distinti)\s+saluti | (?:un\s+)?(?:cordiale|caro)\s+saluto | saluti | inviato\s+da(?:l\s+mio)?\s.*
      | (?:un\s+)?(?:cordial\s+)?saludos?(?:\s+cordial(?:es)?)? | atentamente | enviado\s+desde\s+mi\s.*
      | atenciosamente | cordialmente | (?:abraços|att|grato|grata) | enviado\s+do\s+meu\s.*
      | z\s+poważaniem | pozdrawiam(?:\s+serdecznie)? | (?:serdecznie\s+)?pozdrawiam | z\s+wyrazami\s+szacunku | wysłane\s+z\s.*
    )\s*[,.!]*\s*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SIGNATURE_LINES = 8
#: A first line that only greets. It may name the one it greets: three words at most.
_GREETING = re.compile(
    r"""
    ^\s*(?:dear|hello|hi|hey|good\s+(?:morning|afternoon|evening|day)|to\s+whom\s+it\s+may\s+concern
      |sehr\s+geehrte[rs]?|liebe[rs]?|hallo|guten\s+(?:tag|morgen|abend)|moin|servus|grüezi
      |bonjour|bonsoir|salut|cher|chère|chers|madame|monsieur
      |buongiorno|buonasera|buon\s+giorno|salve|ciao|gentil[ei]|egregio|spett\.?le
      |hola|buenos\s+días|buenas(?:\s+(?:tardes|noches))?|estimad[oa]s?
      |olá|ola|oi|bom\s+dia|boa\s+(?:tarde|noite)|prezad[oa]s?
      |dzień\s+dobry|witam|cześć|dobry\s+wieczór|szanown[iya]\w*)
    (?:[ \t]+[^\s,.!:;?]+){0,4}[ \t]*[,!:.;]*[ \t]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GREETING_WORDS = re.compile(
    r"^\s*(?:hello|hi|hey|good\s+(?:morning|afternoon|evening)|hallo|guten\s+(?:tag|morgen|abend)|bonjour|bonsoir|buongiorno|buonasera|salve"
    r"|hola|buenos\s+días|buenas\s+(?:tardes|noches)|olá|ola|oi|bom\s+dia|boa\s+(?:tarde|noite)|dzień\s+dobry|witam)(?:\s+(?:there|team))?\s*[,!.:;]+\s*",
    re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """What was written here and now; the whole text where cutting would leave nothing."""
    text = text[:MAX_CHARACTERS]
    if "<" in text:
        text = _MARKUP.sub(" ", _BREAKS.sub("\n", text))
    if "&" in text:
        text = html.unescape(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = _without_signature(_without_quotes(lines))
    kept = _LINKS.sub(" ", "\n".join(_without_greeting(lines))).strip()
    return kept or text.strip()


def _without_quotes(lines: list[str]) -> list[str]:
    """Up to the first line that heads a quotation, and without lines that are marked as quoted."""
    for number, line in enumerate(lines):
        if _QUOTES.match(line) and any(before.strip() for before in lines[:number]):
            lines = lines[:number]
            break
    own = [line for line in lines if not line.lstrip().startswith(">")]
    return own if any(line.strip() for line in own) else lines


def _without_signature(lines: list[str]) -> list[str]:
    """Up to the first closing words that have no more below them than a signature has."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for number in filled[-_SIGNATURE_LINES - 1 :]:
        if number > filled[0] and _CLOSINGS.match(lines[number]):
            return lines[:number]
    return lines


def _without_greeting(lines: list[str]) -> list[str]:
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    lines = lines[first:]
    if len(lines) > 1 and _GREETING.match(lines[0]):
        return lines[1:]
    return [_GREETING_WORDS.sub("", lines[0], count=1), *lines[1:]] if lines else lines
