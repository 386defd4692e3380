"""HTTP to the sites that sources are read from: bounded, patient, and to no other host than the configured ones."""
