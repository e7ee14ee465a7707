{#- Time, dispatched by engine. Instants are timestamps in UTC without a zone. -#}

{#- Elapsed seconds between two instants, as a whole number. -#}
{% macro seconds_between(from_at, to_at) %}
  {{- return(adapter.dispatch('seconds_between')(from_at, to_at)) -}}
{% endmacro %}

{% macro default__seconds_between(from_at, to_at) -%}
  (cast(floor(epoch({{ to_at }})) as bigint) - cast(floor(epoch({{ from_at }})) as bigint))
{%- endmacro %}

{% macro spark__seconds_between(from_at, to_at) -%}
  (unix_timestamp({{ to_at }}) - unix_timestamp({{ from_at }}))
{%- endmacro %}


{#- The wall-clock time of an instant in a zone (an expression or a quoted name). -#}
{% macro local_time(instant, timezone=none) %}
  {{- return(adapter.dispatch('local_time')(instant, timezone or "'" ~ var('reporting_timezone') ~ "'")) -}}
{% endmacro %}

{% macro default__local_time(instant, timezone) -%}
  (({{ instant }}) at time zone 'UTC' at time zone {{ timezone }})
{%- endmacro %}

{% macro spark__local_time(instant, timezone) -%}
  convert_timezone('UTC', {{ timezone }}, {{ instant }})
{%- endmacro %}


{#- The instant at which a zone's clocks show a wall-clock time: the first of two, when they are put back; a time that is
    skipped when they are put forward counts on from the old offset. -#}
{% macro utc_time(local, timezone) %}
  {{- return(adapter.dispatch('utc_time')(local, timezone)) -}}
{% endmacro %}

{% macro default__utc_time(local, timezone) -%}
  {#- DuckDB takes the second of two; the offset of the day before leads to the first. -#}
  {%- set last = '((' ~ local ~ ') at time zone ' ~ timezone ~ " at time zone 'UTC')" -%}
  {%- set first = '(((' ~ local ~ ") - interval '1' day) at time zone " ~ timezone ~ " at time zone 'UTC' + interval '1' day)" -%}
  case when {{ default__local_time(first, timezone) }} = ({{ local }}) then {{ first }} else {{ last }} end
{%- endmacro %}

{% macro spark__utc_time(local, timezone) -%}
  convert_timezone({{ timezone }}, 'UTC', {{ local }})
{%- endmacro %}


{#- The reporting day of an instant. -#}
{% macro local_date(instant) -%}
  cast({{ local_time(instant) }} as date)
{%- endmacro %}


{#- The last reporting day of what runs until an instant, which is not in it any more: of midnight it is the day before. -#}
{% macro last_local_date(until) -%}
  {{ local_date("(" ~ until ~ " - interval '1' second)") }}
{%- endmacro %}


{#- A date some days later. -#}
{% macro add_days(day, days) %}
  {{- return(adapter.dispatch('add_days')(day, days)) -}}
{% endmacro %}

{% macro default__add_days(day, days) -%}
  (cast({{ day }} as date) + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(day, days) -%}
  date_add(cast({{ day }} as date), cast({{ days }} as int))
{%- endmacro %}


{#- Whole days from one date to another. -#}
{% macro days_between(from_day, to_day) %}
  {{- return(adapter.dispatch('days_between')(from_day, to_day)) -}}
{% endmacro %}

{% macro default__days_between(from_day, to_day) -%}
  (cast({{ to_day }} as date) - cast({{ from_day }} as date))
{%- endmacro %}

{% macro spark__days_between(from_day, to_day) -%}
  datediff({{ to_day }}, {{ from_day }})
{%- endmacro %}


{#- ISO day of the week, 1 (Monday) to 7. -#}
{% macro iso_weekday(day) %}
  {{- return(adapter.dispatch('iso_weekday')(day)) -}}
{% endmacro %}

{% macro default__iso_weekday(day) -%}
  cast(isodow({{ day }}) as integer)
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
  (weekday({{ day }}) + 1)
{%- endmacro %}


{#- A query of every date from the first to the last, both included; its column is `date_day`. -#}
{% macro days_from_to(first_day, last_day) %}
  {{- return(adapter.dispatch('days_from_to')(first_day, last_day)) -}}
{% endmacro %}

{% macro default__days_from_to(first_day, last_day) -%}
  select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
{%- endmacro %}

{% macro spark__days_from_to(first_day, last_day) -%}
  select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day
{%- endmacro %}


{#- A query of every whole number from the first to the last, both included; its column is `number`. -#}
{% macro numbers_from_to(first, last) %}
  {{- return(adapter.dispatch('numbers_from_to')(first, last)) -}}
{% endmacro %}

{% macro default__numbers_from_to(first, last) -%}
  select cast(unnest(generate_series(cast({{ first }} as bigint), cast({{ last }} as bigint))) as bigint) as number
{%- endmacro %}

{% macro spark__numbers_from_to(first, last) -%}
  select explode(sequence(cast({{ first }} as bigint), cast({{ last }} as bigint))) as number
{%- endmacro %}


{#- Seconds since midnight of a clock time written HH:MM (24:00 is the end of the day). -#}
{% macro clock_seconds(clock) -%}
  (
      cast({{ dbt.split_part(clock, "':'", 1) }} as integer) * 3600
      + cast({{ dbt.split_part(clock, "':'", 2) }} as integer) * 60
  )
{%- endmacro %}


{#- Later by some units of time; dbt's own for Spark fails on nulls. -#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
  timestampadd({{ datepart }}, cast({{ interval }} as int), cast({{ from_date_or_timestamp }} as timestamp))
{%- endmacro %}
