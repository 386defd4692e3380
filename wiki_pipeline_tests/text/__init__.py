"""Tests of the text room: cleaning, chunking, embedding."""
