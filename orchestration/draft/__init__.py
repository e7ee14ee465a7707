"""A first contract for an export that nobody has seen: rules over the names and the contents of columns, each with its reason.

Nothing is learned or sent anywhere: the same file gives the same draft. ``names.yml`` holds what columns are called,
``words.yml`` what is in cells. What a rule cannot prove is marked ``# check``.
"""
