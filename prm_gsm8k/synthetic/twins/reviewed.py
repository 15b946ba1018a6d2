"""Problems whose reference solution is wrong, found by reading: nothing true can be made from them.

Each with what is wrong. A new one is added here, with its reason.
"""

LEFT_OUT: dict[str, str] = {
    "gsm8k/train/1669": "counts 56 sheep and goats as animals other than goats",
    "gsm8k/train/6381": "says 8 inches where the question says 6",
}
