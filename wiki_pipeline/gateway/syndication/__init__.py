"""The wiki in the forms that other programs look for: feeds, `llms.txt`, OpenSearch."""
