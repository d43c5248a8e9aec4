-- Whoever appends has read natural_persons before, in the same transaction: whoever holds this is alone.
lock table natural_persons, person_search in access exclusive mode
