"""`prm-gsm8k evaluate`: benchmarks, protocols, thresholds, intervals and baselines for process reward models."""
