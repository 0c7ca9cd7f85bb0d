"""The platform image: one trained, filled platform, built once and loaded by every drill."""
