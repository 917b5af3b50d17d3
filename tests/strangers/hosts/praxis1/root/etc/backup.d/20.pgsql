databases = all
backupdir = /var/backups/postgres
