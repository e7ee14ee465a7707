"""Runs suites of Great Expectations.

Importing the library takes as long as building a small warehouse, so what a query answers is asked of DuckDB (see
`queries.py`), and the library is imported in a worker process that is started when it is needed.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.core.connections import connect
from orchestration.core.errors import ConfigurationError
from orchestration.core.worker import Worker
from orchestration.gates.check_results import CheckResult
from orchestration.gates.queries import judge, observed
from orchestration.gates.suites import in_words, read_suite, suite_path

#: How many failing rows are shown.
MAX_EXAMPLES = 5


class SuiteRunner:
    """Runs suites: by queries, or in one worker process that is started when the library is needed, and stopped on exit."""

    def __init__(self, config_dir: Path | None) -> None:
        self._config_dir = config_dir
        self._worker = Worker()

    def start(self) -> Worker:
        """Start the worker, if it does not run yet."""
        if not self._worker.is_started:
            self._worker.ask(_import_the_library)
        return self._worker

    def __enter__(self) -> SuiteRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.stop()

    def check(self, gate: str, files: list[Path], row_columns: list[str]) -> list[list[tuple[CheckResult, list[dict[str, Any]]]]]:
        """Validate Parquet files, each by itself, against a gate's suite; no suite means nothing to object to.

        Returns for each file its check_results, with the values of ``row_columns`` (those that the file has) in the first rows
        that failed.

        Raises:
            ConfigurationError: the suite is not valid.
        """
        path = suite_path(gate, self._config_dir)
        if path is None or not files:
            return [[] for _ in files]
        expectations = read_suite(path)
        with connect() as con:
            found = [judge(gate, expectations, file, row_columns, in_words, MAX_EXAMPLES, con) for file in files]
        others = [str(file) for file, judged in zip(files, found, strict=True) if judged is None]
        if not others:
            return [judged or [] for judged in found]
        try:
            asked = iter(self.start().ask(_work, gate, expectations, others, row_columns).result())
            return [next(asked) if judged is None else judged for judged in found]
        except Exception as error:  # whatever the library raises at a wrong suite, the suite is what to look at
            raise ConfigurationError(f"{path}: {str(error).strip()}") from error


def _work(
    gate: str, expectations: list[dict[str, Any]], files: list[str], row_columns: list[str]
) -> list[list[tuple[CheckResult, list[dict[str, Any]]]]]:
    """In the worker: the library's own exceptions stay there, since to receive one is to import the library."""
    try:
        return _validate(gate, expectations, files, row_columns)
    except Exception as error:
        raise ValueError(str(error)) from None


def _import_the_library() -> None:
    """In the worker: what the first suite needs is there before it comes."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Suites run on pandas. Where Spark is installed the library would import it, and parts that lack end the process.
    sys.modules.setdefault("pyspark", None)  # type: ignore[arg-type]
    import great_expectations  # noqa: F401


def suite_columns(expectations: list[dict[str, Any]]) -> set[str]:
    """The columns that a suite speaks of: the rest need not be read."""
    named: set[str] = set()
    for item in expectations:
        for key, value in item.get("kwargs", {}).items():
            if key.startswith("column"):
                named.update([value] if isinstance(value, str) else value if isinstance(value, list) else [])
    return named


def _frame(file: str, wanted: set[str]) -> Any:
    available = pq.read_schema(file).names
    table = pq.read_table(file, columns=[name for name in available if name in wanted] or available[:1])
    # Decimals would be compared as objects, one by one.
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, table[field.name].cast(pa.float64()))
    return table.to_pandas()


def _validate(
    gate: str, expectations: list[dict[str, Any]], files: list[str], row_columns: list[str]
) -> list[list[tuple[CheckResult, list[dict[str, Any]]]]]:
    """In the worker: for each file one validation of the whole suite (one by one takes seven times as long)."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    suite = gx.ExpectationSuite(name=gate)
    for number, item in enumerate(expectations):
        suite.add_expectation_configuration(
            ExpectationConfiguration(
                type=item["type"], kwargs=item.get("kwargs", {}), meta={"number": number}, severity=item["severity"]
            ),
            # Else the second limit on a column takes the place of the first.
            match_type="success",
        )
    suite = context.suites.add(suite)
    batch = context.data_sources.add_pandas(gate).add_dataframe_asset(gate).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=gate, data=batch, suite=suite))
    judged = []
    for file in files:
        frame = _frame(file, suite_columns(expectations) | set(row_columns))
        result = definition.run(
            batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE", "include_unexpected_rows": False}
        )
        ordered = sorted(result.results, key=_number)
        judged.append([_judged(gate, expectations, frame, item, row_columns) for item in ordered])
    return judged


def _number(item: Any) -> int:
    """Place of a result's expectation in its suite file."""
    return int(item.expectation_config.meta["number"])


def _judged(
    gate: str, expectations: list[dict[str, Any]], frame: Any, item: Any, row_columns: list[str]
) -> tuple[CheckResult, list[dict[str, Any]]]:
    expectation = expectations[_number(item)]
    details = item.result or {}
    indexes = [index for index in details.get("unexpected_index_list") or [] if isinstance(index, int)][:MAX_EXAMPLES]
    rows = frame.iloc[indexes][[name for name in row_columns if name in frame]].to_dict("records")
    raised = [info for info in _exceptions(item.exception_info) if info.get("raised_exception")]
    check = CheckResult(
        gate=gate,
        expectation=expectation.get("description") or in_words(expectation),
        severity=expectation["severity"],
        passed=bool(item.success),
        failed_rows=int(details.get("unexpected_count") or 0),
        problem=_without_values(str(raised[0].get("exception_message"))) if raised else observed(details.get("observed_value")),
        remedy=expectation.get("remedy"),
    )
    return check, [] if item.success else rows


def _exceptions(info: Any) -> list[dict[str, Any]]:
    if not info:
        return []
    return [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]


def _without_values(message: str) -> str:
    """A library's message without what it quotes: "could not convert string to float: …"."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", message)
