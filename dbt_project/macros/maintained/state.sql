{#- What tables were built from. Where the state is kept depends on the engine: engine/state_duckdb.sql, state_spark.sql. -#}

{#- Before any model is built: whatever the state needs to be kept in. -#}
{% macro prepare_maintenance() %}
  {{- return(adapter.dispatch('prepare_maintenance')()) -}}
{% endmacro %}


{#- What this model was built from: fingerprint, as_of, and the version of each input; none when it never was. -#}
{% macro maintained_state() %}
  {{- return(adapter.dispatch('maintained_state')()) -}}
{% endmacro %}


{#- For each of these models its `version`, the `previous` one that its latest changes start from (none when they are not
    known), and the table of those `changes`. -#}
{% macro model_versions(relations) %}
  {{- return(adapter.dispatch('model_versions')(relations)) -}}
{% endmacro %}


{#- The content of a seed as one text. It is that of the table, not of the file: a selection can leave the seed out. -#}
{% macro seed_version(relation) %}
  {{- return(adapter.dispatch('seed_version')(relation)) -}}
{% endmacro %}


{#- The names of the files of a raw kind, as a query. -#}
{% macro raw_files(kind) %}
  {{- return(adapter.dispatch('raw_files')(kind)) -}}
{% endmacro %}


{#- The rows of some files of a raw kind, to select from. -#}
{% macro rows_of_raw_files(kind, files) %}
  {{- return(adapter.dispatch('rows_of_raw_files')(kind, files)) -}}
{% endmacro %}


{#- The files of a raw kind that this model read last, as a list. -#}
{% macro raw_files_read(kind, state) %}
  {{- return(adapter.dispatch('raw_files_read')(kind, state)) -}}
{% endmacro %}


{#- Names and types of the columns of a relation. -#}
{% macro shape_of(relation) %}
  {%- set columns = [] -%}
  {%- for row in run_query("describe select * from " ~ relation).rows -%}{%- do columns.append(row[0] ~ ' ' ~ row[1]) -%}{%- endfor -%}
  {{- return(columns | join(', ')) -}}
{% endmacro %}


{#- Columns of the raw kinds that a model reads: no text of its own query would tell of a new one. -#}
{% macro shape_of_sources() %}
  {%- set shapes = [] -%}
  {#- The empty file of a kind has its columns; to ask all files would cost more with every day. -#}
  {%- for id in model.depends_on.nodes if id.startswith('source.') and graph.sources[id].config.meta.key -%}
    {%- do shapes.append(shape_of(rows_of_raw_files(graph.sources[id].name, ['empty.parquet']))) -%}
  {%- endfor -%}
  {{- return(shapes | join('; ')) -}}
{% endmacro %}


{#- The folder of a raw kind. No state holds it, so that a home can be moved. -#}
{% macro raw_folder(kind) -%}
  {{ env_var("CXHOUSE_RAW", "raw") }}/{{ kind }}/
{%- endmacro %}


{#- Every model, seed and source that a model reads, with its present version and what is known of its latest changes. -#}
{% macro maintained_inputs() %}
  {%- set found, models = {}, {} -%}
  {%- for id in model.depends_on.nodes -%}
    {%- set node = graph.sources[id] if id.startswith('source.') else graph.nodes.get(id) -%}
    {%- set kind = node.resource_type if node else none -%}
    {%- set input = {'kind': kind, 'version': 'unknown', 'previous': none, 'changes': none} -%}
    {%- if kind == 'model' -%}
      {%- do models.update({node.name: node.relation_name}) -%}
    {%- elif kind == 'seed' -%}
      {%- do input.update({'version': seed_version(node.relation_name)}) -%}
    {%- elif kind == 'source' -%}
      {%- set files = run_query(raw_files(node.name)).rows | map(attribute=0) | sort -%}
      {%- do input.update({'version': local_md5(files | join('|')), 'files': files}) -%}
    {%- endif -%}
    {%- if kind in ('model', 'seed', 'source') -%}{%- do found.update({node.name: input}) -%}{%- endif -%}
  {%- endfor -%}
  {%- set versions = model_versions(models) -%}
  {%- for name in versions -%}{%- do found[name].update(versions[name]) -%}{%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- Files of a raw kind that came since the model last read it (or, with `gone`, that went). -#}
{% macro raw_files_changed(name, input, state, gone=false) %}
  {%- set now, read, changed = input.files, raw_files_read(name, state), [] -%}
  {%- set known = dict.fromkeys(now if gone else read) -%}
  {%- for file in (read if gone else now) if file not in known -%}{%- do changed.append(file) -%}{%- endfor -%}
  {{- return(changed) -}}
{% endmacro %}


{#- The rows of an input that a query over `{changes}` reads. -#}
{% macro changes_of(name, input, state) %}
  {%- if input.kind == 'model' -%}
    {{- return(input.changes) -}}
  {%- endif -%}
  {{- return(rows_of_raw_files(name, raw_files_changed(name, input, state) or ['empty.parquet'])) -}}
{% endmacro %}


{% macro gone_batches(name, input, state) %}
  {%- set batches = ['-1'] -%}
  {%- for file in (raw_files_changed(name, input, state, gone=true) if input.kind == 'source' else []) -%}
    {%- set number = modules.re.findall('^(\d{8})_', file) -%}
    {%- if number -%}{%- do batches.append(number[0] | int | string) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(batches | join(', ')) -}}
{% endmacro %}
