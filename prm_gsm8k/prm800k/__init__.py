"""PRM800K, OpenAI's human-labelled solutions to MATH problems, as rows.

release.py    the files OpenAI released, downloaded or local
download.py   download one file, resuming where it was cut off
lines.py      check lines, and index them by problem
questions.py  problems of the lines, their splits, and those held out
tree.py       the labelled solutions of one problem as a tree of prefixes, and its rows
recipe.py     the options, and the build from files to rows
"""
