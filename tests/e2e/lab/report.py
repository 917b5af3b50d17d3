"""The report program: no unit starts it; it reads the .env beside it and keeps the local database open."""
import pathlib
import sys
import time

sys.path.insert(0, "/run/lab")
from orders import database  # noqa: E402

settings = dict(line.split("=", 1) for line in pathlib.Path("/opt/report/.env").read_text().split())
wire = database(settings["DATABASE_URL"])
pathlib.Path("/run/lab/report-connected").touch()
while True:
    time.sleep(60)
