; <?php exit; ?> DO NOT REMOVE THIS LINE
; file automatically generated or modified by Matomo; you can manually override the default values in global.ini.php by redefining them in this file.
[database]
host = "10.20.5.91"
username = "matomo"
password = "MatomoMoor"
dbname = "matomo"
tables_prefix = "matomo_"

[General]
salt = "matomofakesalt00112233"
trusted_hosts[] = "statistik.nordwald.example"
proxy_client_headers[] = "HTTP_X_FORWARDED_FOR"

[mail]
transport = "smtp"
port = "25"
host = "srv-mx-02.nordwald.example"
