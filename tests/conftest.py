"""How properties are tried: the same examples in every run, however long a busy machine takes for one.

`pytest --hypothesis-profile explore` looks further, for what nobody thought of.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("check", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "explore", deadline=None, max_examples=2000, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("check")
