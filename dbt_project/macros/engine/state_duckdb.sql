{#- DuckDB keeps the state in tables, changed in the transaction that changes the model. -#}

{% macro duckdb__prepare_maintenance() %}
  create schema if not exists maintenance;
  create table if not exists maintenance.models (
      model varchar, fingerprint varchar, as_of varchar, version integer, are_changes_known boolean
  );
  {#- By which project, and (where the date matters) for which date: what orchestration/warehouse/keeping.py compares. -#}
  alter table maintenance.models add column if not exists project varchar;
  alter table maintenance.models add column if not exists clock varchar;
  create table if not exists maintenance.inputs (model varchar, input varchar, version varchar);
  create table if not exists maintenance.raw_files (model varchar, input varchar, file varchar);
{% endmacro %}


{#- Letters before numbers and dates keep them texts. -#}
{% macro duckdb__maintained_state() %}
  {%- set rows = run_query("select 'f' || fingerprint, 'a' || as_of, 'v' || version from maintenance.models where model = '"
      ~ this.identifier ~ "'").rows -%}
  {%- if not rows -%}{{- return(none) -}}{%- endif -%}
  {%- set inputs = {} -%}
  {%- for row in run_query("select input, 'v' || version from maintenance.inputs where model = '" ~ this.identifier ~ "'").rows -%}
    {%- do inputs.update({row[0]: row[1][1:]}) -%}
  {%- endfor -%}
  {{- return({'fingerprint': rows[0][0][1:], 'as_of': rows[0][1][1:], 'number': rows[0][2][1:] | int, 'inputs': inputs}) -}}
{% endmacro %}


{% macro duckdb__model_versions(relations) %}
  {%- set found = {} -%}
  {%- for row in run_query("select model, 'v' || version, are_changes_known from maintenance.models where model in ('"
      ~ relations | join("', '") ~ "')").rows -%}
    {%- do found.update({row[0]: {
        'version': row[1],
        'previous': 'v' ~ (row[1][1:] | int - 1) if row[2] else none,
        'changes': 'maintenance.changed_' ~ row[0],
    }}) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{% macro duckdb__seed_version(relation) %}
  {%- set rows = "string_agg(cast(seed as varchar), '|' order by cast(seed as varchar))" -%}
  {{- return(run_query("select 's' || md5(coalesce(" ~ rows ~ ", '')) from " ~ relation ~ " as seed").rows[0][0]) -}}
{% endmacro %}


{% macro duckdb__raw_files(kind) -%}
  select parse_filename(file) as file from glob('{{ raw_folder(kind) }}*.parquet')
{%- endmacro %}


{% macro duckdb__rows_of_raw_files(kind, files) %}
  {%- set paths = [] -%}
  {%- for file in files -%}{%- do paths.append("'" ~ raw_folder(kind) ~ file ~ "'") -%}{%- endfor -%}
  {{- return("read_parquet([" ~ paths | join(", ") ~ "], union_by_name = true)") -}}
{% endmacro %}


{% macro duckdb__raw_files_read(kind, state) %}
  {{- return(run_query("select file from maintenance.raw_files where model = '" ~ this.identifier ~ "' and input = '" ~ kind
      ~ "' order by file").rows | map(attribute=0) | list) -}}
{% endmacro %}


{#- Remember what the table was built from. -#}
{% macro save_state(plan, version, are_changes_known) %}
  {%- set name = this.identifier -%}
  {%- call statement('state') -%}
    delete from maintenance.models where model = '{{ name }}';
    insert into maintenance.models values (
        '{{ name }}', '{{ plan.fingerprint }}', '{{ plan.as_of }}', {{ version }}, {{ are_changes_known | string | lower }},
        '{{ env_var('CXHOUSE_PROJECT', '') }}', '{{ plan.as_of if plan.uses_clock }}'
    );
    delete from maintenance.inputs where model = '{{ name }}';
    {% if plan.inputs -%}
    insert into maintenance.inputs values
    {% for input in plan.inputs -%}
    ('{{ name }}', '{{ input }}', '{{ plan.inputs[input].version }}'){{ "," if not loop.last else ";" }}
    {% endfor -%}
    {%- endif -%}
    {%- set sources = plan.inputs.values() | selectattr('kind', 'equalto', 'source') | list -%}
    {% if sources -%}
    delete from maintenance.raw_files where model = '{{ name }}';
    {% endif -%}
    {% for input in plan.inputs if plan.inputs[input].kind == 'source' -%}
    insert into maintenance.raw_files
    select '{{ name }}', '{{ input }}', file from ({{ raw_files(input) }}) as listed;
    {% endfor %}
  {%- endcall -%}
{% endmacro %}
