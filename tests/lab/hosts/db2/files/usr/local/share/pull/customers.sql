select id, customer from orders limit 50;
