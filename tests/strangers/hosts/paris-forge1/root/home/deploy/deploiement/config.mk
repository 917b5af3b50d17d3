SERVEURS = paris-www1 paris-www2
PURGE    = 172.16.10.95
CLE      = CleMakeFake12
