"""Situations told from what went into a stage or came out of it, for benches and for runs of the sensor."""
