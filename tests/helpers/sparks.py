"""Homes of Spark: small ones, where Spark can run at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestration.core.errors import ConfigurationError
from orchestration.settings.model import Settings
from orchestration.warehouse.spark import check_engine

#: In a run as small as these most of the time goes to compiling queries that run once.
SMALL = {
    "spark_parts": 2,
    "spark_conf": {
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.codegen.wholeStage": False,
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
    },
}


def has_spark() -> bool:
    try:
        check_engine(Settings(engine="spark"))
    except ConfigurationError:
        return False
    return True


needs_spark = pytest.mark.skipif(not has_spark(), reason="Spark is an extra: make setup-spark")


def configured(folder: Path, settings: dict) -> Path:
    """A configuration folder with more settings in it."""
    path = folder / "cxhouse.yml"
    settings = {**(yaml.safe_load(path.read_text()) if path.exists() else {}), **settings}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(settings))
    return folder
