-- tables distantes, rejoue apres chaque restauration (voir restore.sh)
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SERVER stock_paris FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host 'paris-db4.groupe.example', port '5434', dbname 'stock');
CREATE USER MAPPING FOR public SERVER stock_paris OPTIONS (user 'fdw', password 'Etranger_Fdw9');
CREATE SERVER crm FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '172.16.20.30', port '3306');
-- CREATE SERVER vieux FOREIGN DATA WRAPPER oracle_fdw OPTIONS (dbserver '//nice-ora1.groupe.example:1521/VX');
