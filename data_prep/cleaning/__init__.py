"""Texts made clean: markup, broken Unicode, invisible characters, boilerplate, blanks."""
