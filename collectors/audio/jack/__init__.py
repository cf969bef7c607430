"""The passive JACK client, and what libjack needs around it."""
