"""One short module a stage: what a batch of its input becomes. All commit through the store's `reconcile`."""
