"""What of a lab can be set while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_netconn.lab.errors import LabError


class SettingError(LabError, ValueError):
    """A setting that the lab does not have, or cannot have."""


class Answers(StrEnum):
    """Which addresses DNS answers carry."""

    LANDSCAPE = "landscape"
    """Those that the control plane has, such as 10.20.1.4 and 198.19.3.7."""
    LOCAL = "local"
    """Those of this machine at which the lab serves what is there, in 127/8; not in an isolated lab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How fast and how late the lab is. All times are seconds of the lab's clock.

    :param time_scale: what the duration of each operation is multiplied by: 1 is as slow as Azure, 0 ends operations by
        their first poll
    :param role_delay_s: how long a new role assignment does not work yet
    :param principal_delay_s: how long Resource Manager does not know of a new principal
    :param firewall_delay_s: how long a change of a service's firewall has no effect yet; None for the service's own
        time, scaled as operations are
    :param throttle_share: what part of Resource Manager's request limits holds: 1 as in Azure, 0.1 a tenth; None for no
        limit
    :param token_lifetime_s: how long tokens are valid that are issued from now on
    :param answers: which addresses DNS answers carry
    :raises SettingError: one of them is no number from 0 on, or ``answers`` none of :class:`Answers`
    """

    time_scale: float = 0.0
    role_delay_s: float = 0.0
    principal_delay_s: float = 0.0
    firewall_delay_s: float | None = None
    throttle_share: float | None = None
    token_lifetime_s: float = 3599.0
    answers: Answers = Answers.LANDSCAPE

    def __post_init__(self) -> None:
        if self.answers not in tuple(Answers):
            raise SettingError(f"answers: {self.answers!r} is neither {' nor '.join(Answers)}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "answers":
                continue
            if value is None and field.default is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise SettingError(f"{field.name}: {value!r} is no number from 0 on")

    def changed(self, changes: object) -> Settings:
        """These settings with changes, as the admin API is sent them.

        :raises SettingError: naming the setting
        """
        if not isinstance(changes, Mapping):
            raise SettingError('the body is no object; send {"time_scale": 0}')
        names = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise SettingError(f"{name}: unknown setting; known are {', '.join(names)}")
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)
