select exists (select from appends where first_position is null) as unassigned
