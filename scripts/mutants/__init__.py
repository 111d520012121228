"""`make mutate`: faults that a machine puts into the design one by one, and whether the tests notice each."""
