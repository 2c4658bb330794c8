"""Invented personal data: numbers with right check digits, and papers that hold them."""
