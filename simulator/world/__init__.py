"""The shop's ground truth: who wants what, what is fraud, and what a decision is really worth."""
