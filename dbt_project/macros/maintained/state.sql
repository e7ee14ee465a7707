{#- Tables of the state; created before any model is built. -#}
{% macro prepare_maintenance() %}
  create schema if not exists maintenance;
  create table if not exists maintenance.models (
      model varchar, fingerprint varchar, as_of varchar, version integer, are_changes_known boolean
  );
  create table if not exists maintenance.inputs (model varchar, input varchar, version varchar);
  create table if not exists maintenance.raw_files (model varchar, input varchar, file varchar);
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
    {%- do shapes.append(shape_of("read_parquet('" ~ raw_folder(graph.sources[id].name) ~ "_empty.parquet')")) -%}
  {%- endfor -%}
  {{- return(shapes | join('; ')) -}}
{% endmacro %}


{#- The folder of a raw kind. No state holds it, so that a home can be moved. -#}
{% macro raw_folder(kind) -%}
  {{ env_var("CXHOUSE_RAW", "raw") }}/{{ kind }}/
{%- endmacro %}


{#- The names of the files of a raw kind, as a query. -#}
{% macro raw_files(kind) -%}
  select parse_filename(file) as file from glob('{{ raw_folder(kind) }}*.parquet')
{%- endmacro %}


{#- Every model, seed and source that a model reads, with its present version, and whether its latest changes are known. -#}
{% macro maintained_inputs() %}
  {%- set found = {} -%}
  {%- for id in model.depends_on.nodes -%}
    {%- set node = graph.sources[id] if id.startswith('source.') else graph.nodes.get(id) -%}
    {%- if node is not none and node.resource_type in ('model', 'seed', 'source') -%}
      {%- do found.update({node.name: {'id': id, 'kind': node.resource_type, 'version': 'unknown', 'known': false,
          'relation': node.relation_name}}) -%}
      {%- if node.resource_type == 'seed' -%}
        {#- What is in the table, not in the file: a selection can leave the seed out. -#}
        {%- set rows = "string_agg(cast(seed as varchar), '|' order by cast(seed as varchar))" -%}
        {%- set content = run_query("select 's' || md5(coalesce(" ~ rows ~ ", '')) from " ~ node.relation_name ~ " as seed") -%}
        {%- do found[node.name].update({'version': content.rows[0][0]}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set names = found | list -%}
  {%- set versions = run_query("select model, 'v' || version, are_changes_known from maintenance.models where model in ('"
      ~ names | join("', '") ~ "')") -%}
  {%- for row in versions.rows if found[row[0]].kind == 'model' -%}
    {%- do found[row[0]].update({'version': row[1], 'known': row[2]}) -%}
  {%- endfor -%}
  {%- for name in names if found[name].kind == 'source' -%}
    {%- set listed = run_query("select 'v' || md5(coalesce(string_agg(file, '|' order by file), '')) from ("
        ~ raw_files(name) ~ ") as listed") -%}
    {%- do found[name].update({'version': listed.rows[0][0], 'known': true}) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- Files of a raw kind that came or went since the model last read it. -#}
{% macro raw_files_changed(kind, came) %}
  {%- set now = raw_files(kind) -%}
  {%- set then = "select file from maintenance.raw_files where model = '" ~ this.identifier ~ "' and input = '" ~ kind ~ "'" -%}
  {%- set rows = run_query(((now ~ " except " ~ then) if came else (then ~ " except " ~ now)) ~ " order by file").rows -%}
  {{- return(rows | map(attribute=0) | list) -}}
{% endmacro %}


{#- The rows of an input that a query over `{changes}` reads. -#}
{% macro changes_of(name, input) %}
  {%- if input.kind == 'model' -%}
    {{- return('maintenance.changed_' ~ name) -}}
  {%- endif -%}
  {%- set came = raw_files_changed(name, true) -%}
  {%- if came | length == 0 -%}
    {{- return("(select * from " ~ input.relation ~ " where false)") -}}
  {%- endif -%}
  {%- set paths = [] -%}
  {%- for file in came -%}{%- do paths.append("'" ~ raw_folder(name) ~ file ~ "'") -%}{%- endfor -%}
  {{- return("read_parquet([" ~ paths | join(", ") ~ "], union_by_name = true)") -}}
{% endmacro %}


{% macro gone_batches(name, input) %}
  {%- set batches = ['-1'] -%}
  {%- for file in (raw_files_changed(name, false) if input.kind == 'source' else []) -%}
    {%- set number = modules.re.findall('^(\d{8})_', file) -%}
    {%- if number -%}{%- do batches.append(number[0] | int | string) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(batches | join(', ')) -}}
{% endmacro %}


{#- Remember what the table was built from. -#}
{% macro save_state(fingerprint, as_of, version, are_changes_known, inputs) %}
  {%- set name = this.identifier -%}
  {%- call statement('state') -%}
    delete from maintenance.models where model = '{{ name }}';
    insert into maintenance.models values (
        '{{ name }}', '{{ fingerprint }}', '{{ as_of }}', {{ version }}, {{ are_changes_known | string | lower }}
    );
    delete from maintenance.inputs where model = '{{ name }}';
    {% for input in inputs -%}
    insert into maintenance.inputs values ('{{ name }}', '{{ input }}', '{{ inputs[input].version }}');
    {% endfor -%}
    delete from maintenance.raw_files where model = '{{ name }}';
    {% for input in inputs if inputs[input].kind == 'source' -%}
    insert into maintenance.raw_files
    select '{{ name }}', '{{ input }}', file from ({{ raw_files(input) }}) as listed;
    {% endfor %}
  {%- endcall -%}
{% endmacro %}
