"""Any rung of a family, turned into a trace: what a caller can see, step by step, as arrays.

The only bridge between rungs and laws.  A reference trace is the manual rung's, run on bounded numbers.
"""
