"""Gates: Great Expectations suites over new raw batches and over the marts that are about to be published.

Importing Great Expectations takes as long as building a small warehouse, so the suites run in a worker process that
starts importing while the run does other things.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import yaml

from orchestration.errors import ConfigurationError
from orchestration.pull.kinds import all_kinds
from orchestration.settings import PROJECT

SUITES = PROJECT / "expectations"
SEVERITIES = ("critical", "warning")


@dataclass(frozen=True)
class Verdict:
    """The result of one expectation."""

    gate: str
    expectation: str
    severity: str
    passed: bool
    failed_rows: int
    #: Where the first failing rows came from ("file, row 12"); never their values.
    examples: list[str]
    problem: str | None = None

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity == "critical"


def suite_path(gate: str, config_dir: Path | None = None) -> Path | None:
    """The suite of a gate ("raw/tickets", "marts/kpis"): the user's own, else the shipped one."""
    folders = [config_dir / "expectations"] if config_dir else []
    return next((path for folder in [*folders, SUITES] if (path := folder / f"{gate}.yml").exists()), None)


def mart_gates(config_dir: Path | None = None) -> list[str]:
    """Tables of the marts that have a suite."""
    folders = [SUITES, *([config_dir / "expectations"] if config_dir else [])]
    return sorted({path.stem for folder in folders for path in (folder / "marts").glob("*.yml")})


def read_suite(path: Path) -> list[dict[str, Any]]:
    """Expectations of a suite file: ``type``, ``kwargs``, ``severity`` (critical, warning) and ``description``.

    Raises:
        ConfigurationError: the file is not a list of expectations.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    expectations = data.get("expectations") if isinstance(data, dict) else None
    if not isinstance(expectations, list):
        raise ConfigurationError(f"{path}: a suite is a mapping with a list `expectations`")
    for number, item in enumerate(expectations, start=1):
        if not isinstance(item, dict) or "type" not in item:
            raise ConfigurationError(f"{path}: expectation {number} has no `type`")
        if item.setdefault("severity", "critical") not in SEVERITIES:
            raise ConfigurationError(f"{path}: expectation {number}: severity is one of {', '.join(SEVERITIES)}")
    return expectations


def check_suites(config_dir: Path | None) -> None:
    """Read every suite of a configuration folder before a run starts.

    Raises:
        ConfigurationError: a suite is not valid, or no gate would ever look for it where it lies.
    """
    folder = config_dir / "expectations" if config_dir else None
    for path in sorted(folder.rglob("*.y*ml")) if folder else []:
        gate = path.relative_to(folder or path).with_suffix("").as_posix()
        layer, _, table = gate.partition("/")
        if layer not in ("raw", "marts") or (layer == "raw" and table not in all_kinds()) or path.suffix != ".yml":
            raise ConfigurationError(
                f"{path}: no gate has this name; suites are raw/<kind>.yml and marts/<table>.yml "
                f"(kinds: {', '.join(all_kinds())})"
            )
        read_suite(path)


class GateKeeper:
    """Runs suites in one worker process, started at once and stopped on exit."""

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context)
        self._ready: Future[None] = self._pool.submit(_import_library)

    def __enter__(self) -> GateKeeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def check(self, gate: str, files: Iterable[Path]) -> list[Verdict]:
        """Validate Parquet files, together, against a gate's suite; no suite means nothing to object to.

        Raises:
            ConfigurationError: the suite is not valid.
        """
        path = suite_path(gate, self._config_dir)
        if path is None:
            return []
        expectations = read_suite(path)
        try:
            rows = self._pool.submit(_validate, gate, expectations, [str(file) for file in files]).result()
        except Exception as error:  # whatever the library raises at a wrong suite, the suite is what to look at
            raise ConfigurationError(f"{path}: {str(error).strip()}") from error
        return [Verdict(**row) for row in rows]


def _import_library() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: F401


def _columns(expectations: list[dict[str, Any]], available: list[str]) -> list[str]:
    """The columns that a suite speaks of, and lineage: the rest need not be read."""
    named: set[str] = {"_file", "_row"}
    for item in expectations:
        for key, value in item.get("kwargs", {}).items():
            if key.startswith("column"):
                named.update([value] if isinstance(value, str) else value if isinstance(value, list) else [])
    return [name for name in available if name in named] or available[:1]


def _frame(files: list[str], expectations: list[dict[str, Any]]) -> Any:
    data = ds.dataset(files, format="parquet")
    table = data.to_table(columns=_columns(expectations, data.schema.names))
    # Decimals would be compared as objects, one by one.
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, table[field.name].cast(pa.float64()))
    return table.to_pandas()


def _validate(gate: str, expectations: list[dict[str, Any]], files: list[str]) -> list[dict[str, Any]]:
    """In the worker: one validation of the whole suite (one by one takes seven times as long)."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    frame = _frame(files, expectations)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    suite = gx.ExpectationSuite(name=gate)
    for number, item in enumerate(expectations):
        suite.add_expectation_configuration(
            ExpectationConfiguration(
                type=item["type"], kwargs=item.get("kwargs", {}), meta={"number": number}, severity=item["severity"]
            )
        )
    suite = context.suites.add(suite)
    batch = context.data_sources.add_pandas(gate).add_dataframe_asset(gate).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=gate, data=batch, suite=suite))
    result = definition.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE", "include_unexpected_rows": False}
    )
    ordered = sorted(result.results, key=_number)
    return [asdict(_verdict(gate, expectations, frame, item)) for item in ordered]


def _number(item: Any) -> int:
    """Place of a result's expectation in its suite file."""
    return int(item.expectation_config.meta["number"])


def _verdict(gate: str, expectations: list[dict[str, Any]], frame: Any, item: Any) -> Verdict:
    expectation = expectations[_number(item)]
    details = item.result or {}
    indexes = (details.get("unexpected_index_list") or [])[:5]
    rows = frame.iloc[[index for index in indexes if isinstance(index, int)]]
    examples = [f"{row._1}, row {row._2}" for row in rows[["_file", "_row"]].itertuples()] if "_file" in frame else []
    raised = [info for info in _exceptions(item.exception_info) if info.get("raised_exception")]
    return Verdict(
        gate=gate,
        expectation=expectation.get("description") or _in_words(expectation),
        severity=expectation["severity"],
        passed=bool(item.success),
        failed_rows=int(details.get("unexpected_count") or 0),
        examples=examples,
        problem=str(raised[0].get("exception_message")) if raised else _observed(details),
    )


def _exceptions(info: Any) -> list[dict[str, Any]]:
    if not info:
        return []
    return [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]


def _observed(details: dict[str, Any]) -> str | None:
    observed = details.get("observed_value")
    return None if observed is None or isinstance(observed, dict | list) else f"observed: {observed}"


def _in_words(expectation: dict[str, Any]) -> str:
    arguments = ", ".join(f"{key} {value}" for key, value in expectation.get("kwargs", {}).items())
    return f"{expectation['type'].removeprefix('expect_').replace('_', ' ')} ({arguments})"
