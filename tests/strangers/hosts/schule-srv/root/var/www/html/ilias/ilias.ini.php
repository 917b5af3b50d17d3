; <?php exit; ?>
[server]
http_path = "https://lernen.gym-birke.example"
absolute_path = "/var/www/html/ilias"
timezone = "Europe/Berlin"

[tools]
convert = "/usr/bin/convert"

[debug]
enabled = "0"

[https]
auto_https_detect_enabled = "0"

[background_tasks]
concurrency = sync

[soap]
wsdl_path = "http://soap.gym-birke.example:8042/server.php?wsdl"
