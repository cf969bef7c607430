"""Log files as they really behave: found, recognised, followed through rotations, read up to what was acknowledged."""
