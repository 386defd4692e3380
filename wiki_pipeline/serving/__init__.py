"""What every server of this program holds at its door, the gateway as well as Dagster's UI: who may ask."""
