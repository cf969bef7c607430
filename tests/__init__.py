"""The tests of the agent, of its clients and of the central stack."""
