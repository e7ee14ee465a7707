"""The command line. Heavy libraries are imported by the commands that need them, so that --help is quick."""

from __future__ import annotations

import click

from orchestration.cli import alerts, contracts, exports, privacy, results, running, tools

_EXIT_CODES = """
\b
Exit codes: 0 done (run: published)
            1 a gate failed; what is published stays as it was
            2 wrong usage or configuration
            3 anything else
"""


@click.group(epilog=_EXIT_CODES, context_settings={"max_content_width": 110})
@click.version_option(package_name="cxhouse")
def main() -> None:
    """A customer-experience warehouse: ticket, call, review and order exports in, verified KPI marts out.

    \b
    Try it:   cxhouse sample --out sample
              cxhouse run --exports sample/exports --config sample/config
              cxhouse kpis csat --dimension channel
    """


for _command in (
    *running.COMMANDS,
    *results.COMMANDS,
    *alerts.COMMANDS,
    *exports.COMMANDS,
    *privacy.COMMANDS,
    *tools.COMMANDS,
    *contracts.COMMANDS,
):
    main.add_command(_command)
