-- Dagster's tables: the versions of both are in tables of one name.
CREATE DATABASE dagster OWNER wiki_pipeline;
