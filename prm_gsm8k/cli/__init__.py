"""The commands of `prm-gsm8k`, a file for each kind of thing people do with labelled steps."""
