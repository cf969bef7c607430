"""Text for a person at a terminal, and the client of the running agent."""
