"""Settings of who gets which alerts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AlertOwner(BaseModel):
    """Whose alerts are of these subjects, of these members, or (where both are given) of these subjects in these members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="A person or a team, named in lists and messages.")
    subjects: list[str] = Field(
        default_factory=list, description="Ids of KPIs, policies (ebay: …) or tables of gates, also as patterns such as call_*."
    )
    members: list[str] = Field(default_factory=list, description='Members of dimensions, such as "channel=chat".')
    to: list[str] = Field(default_factory=list, description="Apprise addresses that get these alerts; none: those of notify.")

    @model_validator(mode="after")
    def _owns_something(self) -> AlertOwner:
        if not self.subjects and not self.members:
            raise ValueError("name subjects or members")
        return self
