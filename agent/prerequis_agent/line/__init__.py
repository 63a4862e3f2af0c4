"""How a line is measured: what moves the bytes, when to stop, what the figure is, and what weakens it.

`measure.measure` runs the rungs that a lease allows. Rates are decimal bits of application bytes per second, counted
where the bytes arrive, without any factor for headers.
"""
