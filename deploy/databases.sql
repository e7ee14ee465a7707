-- Dagster's runs and events; `bi`, for readers, is there already.
create database dagster;
