"""Tests of the central stack."""
