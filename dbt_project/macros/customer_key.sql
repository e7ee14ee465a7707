{#- The published key of the person that an identifier leads to: a salted hash, so that it reveals no identifier. -#}
{% macro customer_key(identifier) -%}
  {{ dbt.hash(dbt.concat(["'" ~ var('identity_salt') ~ "|'", identifier])) }}
{%- endmacro %}
