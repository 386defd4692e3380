"""The chart, the image and the units: rendered, checked, and run as far as that goes without a cluster."""
