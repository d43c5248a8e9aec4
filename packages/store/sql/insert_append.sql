insert into appends (append_id, size) values ($1, $2)
