"""How good a PRM is: benchmarks, protocols, honest thresholds, intervals and baselines behind `prm-gsm8k evaluate`."""
