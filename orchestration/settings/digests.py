"""Settings of the messages with numbers that people get once a period."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestration.core.grains import Grain


class Digest(BaseModel):
    """One message: who gets which KPIs, cut how, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="Its name, in the subject of the message and for cxhouse digest.")
    to: list[str] = Field(min_length=1, description="Apprise addresses of its recipients, such as mailto://….")
    kpis: list[str] = Field(min_length=1, description="Ids of its KPIs, in their order.")
    by: str | None = Field(None, description="A dimension: a row for each of its members.")
    where: str = Field("", description="Only these cases, such as \"team = 'First line'\" (see docs/queries.md).")
    grain: Grain = Field("week", description="Period that it is about, and how often it is sent.")
    form: Literal["html", "csv", "pdf"] = Field(
        "html", description="The mail has the numbers in any case; csv, pdf: also as a file (PDF needs Chromium on the machine)."
    )
    always: bool = Field(False, description="Send it too when nothing misses its target and nothing has changed significantly.")
