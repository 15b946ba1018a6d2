"""PRM800K, human step labels on MATH problems: from the released files to rows."""
