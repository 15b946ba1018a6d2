"""PRM800K, OpenAI's human-labelled solutions to MATH problems: read, merged into true prefixes, labelled.

release.py    which files OpenAI released, and where they lie here or on the network
download.py   one file, resumed where it was cut
lines.py      what a line must be, and which lines belong to which problem and split
tree.py       the labelled solutions of one problem as a tree of prefixes, and its rows
recipe.py     the choices, and how all of it fits together
"""
