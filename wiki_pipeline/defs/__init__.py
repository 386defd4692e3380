"""Everything that knows Dagster: partitions, resources, assets, checks and jobs. The work itself is in `stages`."""
