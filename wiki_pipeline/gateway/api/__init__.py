"""The interface for programs: JSON, described by `/openapi.json`."""
