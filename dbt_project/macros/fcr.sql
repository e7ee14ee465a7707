{#- First-contact resolution as observed, for one contact; null while it cannot be known.

    `contacts` is the alias of int_contacts, null for a contact of an unknown customer: whether such a customer came back
    cannot be observed. `is_one_interaction` is null where the export does not tell interactions. -#}
{% macro is_fcr_observed(contacts, contact_at, is_solved, is_one_interaction) -%}
  case
      when not {{ is_solved }} or {{ contacts }}.record_id is null or ({{ is_one_interaction }}) is null then null
      when {{ dbt.dateadd('day', var('fcr_window_days'), contact_at) }} > {{ as_of() }} then null
      when
          {{ contacts }}.next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), contact_at) }}
          then false
      else {{ is_one_interaction }}
  end
{%- endmacro %}
