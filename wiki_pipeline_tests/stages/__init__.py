"""Tests of the stages: whole syncs over HTTP into real tables."""
