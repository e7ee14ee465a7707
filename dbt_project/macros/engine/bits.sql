{#- A number that a text always gives, the same on every engine. -#}
{% macro default__number_of_text(text) -%}
  cast('0x' || substring(md5({{ text }}), 1, 7) as bigint)
{%- endmacro %}


{% macro spark__number_of_text(text) -%}
  cast(conv(substring(md5({{ text }}), 1, 7), 16, 10) as bigint)
{%- endmacro %}


{#- A number of which only the bit of a place is set. -#}
{% macro default__bit(place) -%}
  (cast(1 as bigint) << cast({{ place }} as bigint))
{%- endmacro %}


{% macro spark__bit(place) -%}
  shiftleft(cast(1 as bigint), cast({{ place }} as int))
{%- endmacro %}
