"""A day's build without dbt: models whose queries are known are brought up to date as `maintained` would.

dbt takes seconds to start and a tenth of one for each model it looks at, whatever the table holds. The queries change only with
the project, so each is remembered as dbt compiled it, with placeholders for what differs from run to run.
"""
