"""Tests of the documents that a run leaves."""
