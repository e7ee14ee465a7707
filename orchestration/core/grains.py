"""The lengths of the periods that KPIs are reported by. (In the models: the macro `grains`.)"""

from __future__ import annotations

from typing import Literal, get_args

#: The length of a period.
Grain = Literal["day", "week", "month", "quarter"]
#: The same, or one period for the whole time.
AnyGrain = Literal["day", "week", "month", "quarter", "all"]

GRAINS: tuple[str, ...] = get_args(Grain)
ANY_GRAIN: tuple[str, ...] = get_args(AnyGrain)
