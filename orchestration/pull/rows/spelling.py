"""Dates with words: the names of months in the languages of exports, names of weekdays, and halves of a day."""

from __future__ import annotations

import re

#: Names of the months in English, French, German, Spanish, Italian, Polish and Portuguese, and how they are cut short. No two
#: languages mean different months by one word.
MONTHS: dict[str, str] = {
    "January": "jan january janvier janv januar jänner jaen enero ene gennaio gen styczeń stycznia sty janeiro",
    "February": "feb february février fevrier févr fevr fév fev februar febrero febbraio luty lutego lut fevereiro",
    "March": "mar march mars märz maerz mär mrz marz marzo marzec marca março marco",
    "April": "apr april avril avr abril abr aprile kwiecień kwietnia kwi",
    "May": "may mai mayo maggio mag maj maja maio",
    "June": "jun june juin juni junio giugno giu czerwiec czerwca cze junho",
    "July": "jul july juillet juil juli julio luglio lug lipiec lipca lip julho",
    "August": "aug august août aout aoû agosto ago sierpień sierpnia sie",
    "September": "sep sept september septembre septiembre setiembre settembre set wrzesień września wrz setembro",
    "October": "oct october octobre okt oktober octubre ottobre ott październik października paź paz outubro out",
    "November": "nov november novembre noviembre listopad listopada lis novembro",
    "December": "dec december décembre decembre déc dez dezember dic diciembre dicembre grudzień grudnia gru dezembro",
}
_WEEKDAY = re.compile(r"^%[aA]\.?,? ?")


def in_english(form: str) -> str:
    """A format for texts as ``in_english_words`` spells them."""
    return re.sub(" ?%p", " %p", _WEEKDAY.sub("", form).replace("%b", "%B"))


def in_english_words(text: str, formats: list[str]) -> str:
    """SQL: a text with its month in English, without a weekday at its beginning, and with AM or PM as engines read them."""
    if not any(re.search("%[bBp]", form) or _WEEKDAY.match(form) for form in formats):
        return text
    spelled = rf"regexp_replace({text}, '[\x{{00A0}}\x{{2009}}\x{{202F}}]', ' ', 'g')"
    if any(_WEEKDAY.match(form) for form in formats):
        spelled = rf"regexp_replace({spelled}, '^\pL+\.?,? ?', '')"
    if any("%p" in form for form in formats):
        half = rf"regexp_replace({spelled}, '(?i) ?([ap])\.? ?m\b\.?', ' \1M')"
        spelled = rf"replace(replace({half}, ' aM', ' AM'), ' pM', ' PM')"
    if any("%b" in form or "%B" in form for form in formats):
        for month, words in MONTHS.items():
            spelled = rf"regexp_replace({spelled}, '(?i)(^|[^\pL])(?:{words.replace(' ', '|')})\.?([^\pL]|$)', '\1{month}\2')"
    return spelled
