; <?php exit; ?>
[client]
name = "gym"
description = "Lernplattform https://lernen.gym-birke.example"
access = "1"

[db]
type = "innodb"
host = "db2.gym-birke.example"
user = "ilias"
pass = "Kreide-Staub9"
name = "ilias"
port = "3306"

[language]
default = "de"
path = "./lang"
