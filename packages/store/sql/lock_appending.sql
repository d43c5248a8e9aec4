-- Whoever appends holds a weaker lock, from before it draws its append_id until it has committed.
lock table streams in share mode
