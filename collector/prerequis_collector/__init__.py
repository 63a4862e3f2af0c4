"""The collector: keeps what agents saw, judges the sites, answers the people who decide."""
