refresh materialized view crm_due;
