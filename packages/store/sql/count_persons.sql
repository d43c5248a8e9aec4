select status, count(*) as count from natural_persons group by status
