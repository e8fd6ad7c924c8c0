"""Results: data, statistics, files, plots."""
