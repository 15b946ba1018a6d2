"""Units that are converted into one another: (unit, so many of a smaller one, the smaller one)."""

SMALLER = (
    ("decades", 10, "years"), ("years", 12, "months"), ("years", 52, "weeks"), ("years", 365, "days"),
    ("months", 4, "weeks"), ("months", 30, "days"), ("weeks", 7, "days"), ("days", 24, "hours"),
    ("hours", 60, "minutes"), ("minutes", 60, "seconds"), ("feet", 12, "inches"), ("yards", 3, "feet"),
    ("meters", 100, "centimeters"), ("kilometers", 1000, "meters"), ("kilograms", 1000, "grams"),
    ("pounds", 16, "ounces"), ("gallons", 4, "quarts"), ("dollars", 100, "cents"),
)  # fmt: skip
TIMES_OF_THE_CALENDAR = tuple(entry for entry in SMALLER if entry[0] in ("years", "months", "weeks", "days"))
