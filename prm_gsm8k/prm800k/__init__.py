"""PRM800K, OpenAI's human-labelled solutions to MATH problems: read, merged into true prefixes, labelled.

release.py    which files OpenAI released, and where they lie here or on the network
download.py   one file, resumed where it was cut
lines.py      what a line must be, and where the lines of each problem lie
questions.py  which problem a line is about, which split it goes to, which problems are held out
tree.py       the labelled solutions of one problem as a tree of prefixes, and its rows
recipe.py     the choices, and how all of it fits together
"""
