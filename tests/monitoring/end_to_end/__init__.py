"""Tests of one site from the agent to the page of the on-call engineer. A package, so that it has a fixture."""
