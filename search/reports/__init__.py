"""From the database to tables and figures; needs neither torch nor Ray."""
