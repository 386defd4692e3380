"""Everything that knows Dagster: partitions, resources, assets, checks and jobs. The work itself is in `stages`."""

import warnings

# Marked beta for years, and the only way to say "one run a source"; at every start it would be the first thing to read.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")
