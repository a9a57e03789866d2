"""Multi-Resolution HAN: forecasts of a conflict from daily and monthly sources with gaps."""
