"""PI-TFT: final collision risk from a sequence of conjunction data messages (CDMs)."""
