"""The forms the database has had; each file of `versions` leads from one to the next."""
