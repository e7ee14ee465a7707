"""Where settings come from: command-line options, then environment variables, then ``cxhouse.yml``, then defaults."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from orchestration.core.errors import ConfigurationError
from orchestration.core.limits import use as use_limits
from orchestration.core.resources import use
from orchestration.core.yaml_text import read_yaml
from orchestration.settings.model import Settings

CONFIG_FILE = "cxhouse.yml"


def parse_as_of(text: str | date | datetime, timezone: str) -> datetime:
    """A date (its beginning) or instant in the reporting time zone, as UTC without a zone.

    Raises:
        ConfigurationError: the text is neither.
    """
    try:
        value = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ConfigurationError(f"as-of {text!r} is no date; write 2026-07-01 or 2026-07-01T05:00") from error
    if isinstance(text, date) and not isinstance(text, datetime):
        value = datetime.combine(text, time.min)
    return value.replace(tzinfo=value.tzinfo or ZoneInfo(timezone)).astimezone(UTC).replace(tzinfo=None)


def parse_day(option: str, text: str | None) -> date | None:
    """The day that an option gives; none where it is not given.

    Raises:
        ConfigurationError: it is no date.
    """
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise ConfigurationError(f"{option} {text!r} is no date; write 2026-06-30") from error


def parse_days(from_day: str | None, to_day: str | None) -> tuple[date, date] | None:
    """The first and last day to process again; none without the first.

    Raises:
        ConfigurationError: they are no dates, or the last lies before the first.
    """
    if from_day is None:
        if to_day is not None:
            raise ConfigurationError("--to needs --from")
        return None
    first, last = parse_day("--from", from_day), parse_day("--to", to_day or from_day)
    assert first is not None
    assert last is not None
    if last < first:
        raise ConfigurationError(f"--to {last} is before --from {first}")
    return first, last


def _read_config(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ConfigurationError(f"no configuration folder at {folder}; name one with --config (or CXHOUSE_CONFIG)")
    path = folder / CONFIG_FILE
    if not path.exists():
        return {}
    try:
        data = read_yaml(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not readable YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: settings are a mapping, such as 'currency: EUR'")
    return data


def load_settings(
    exports: str | None = None,
    home: str | None = None,
    config: str | None = None,
    as_of: str | None = None,
    engine: str | None = None,
    spark_master: str | None = None,
) -> Settings:
    """Settings from options, environment and configuration file.

    Raises:
        ConfigurationError: a setting is unknown or not valid; the message names it and the remedy.
    """
    folder = config or os.environ.get("CXHOUSE_CONFIG") or None
    config_dir = Path(folder).expanduser().resolve() if folder else None
    data = _read_config(config_dir)
    data["config_dir"] = config_dir
    data["exports"] = exports or os.environ.get("CXHOUSE_EXPORTS") or data.get("exports", "exports")
    data["home"] = Path(home or os.environ.get("CXHOUSE_HOME") or data.get("home", "home")).expanduser().resolve()
    for name in ("full_refresh", "replay", "days", "since"):
        if name in data:
            raise ConfigurationError(f"{CONFIG_FILE}: {name} belongs to a single run: give it as an option of 'cxhouse run'")
    resource_settings = [(name, None) for name in ("memory_limit", "temp_directory", "threads")]
    for name, given in (("engine", engine), ("spark_master", spark_master), *resource_settings):
        if value := given or os.environ.get(f"CXHOUSE_{name.upper()}"):
            data[name] = value
    if addresses := os.environ.get("CXHOUSE_NOTIFY"):
        data["notify"] = addresses.split()
    for name in ("access_token", "dagster_database"):
        if value := os.environ.get(f"CXHOUSE_{name.upper()}"):
            data[name] = value
    moment = as_of or data.get("as_of")
    if moment is not None:
        data["as_of"] = parse_as_of(moment, str(data.get("reporting_timezone", "UTC")))
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        place = f"{config_dir / CONFIG_FILE}" if config_dir else "settings"
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
        raise ConfigurationError(f"{place}: {problems} (settings: {', '.join(Settings.model_fields)})") from error
    use(settings.resources)
    use_limits(settings.limits)
    os.umask(settings.umask)
    return settings
