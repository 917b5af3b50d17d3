"""Orders of the web shop, read every few seconds over one session that stays open."""
import os
import time
from urllib.parse import urlparse

import pymysql


def follow(place, pause):
    session = pymysql.connect(host=place.hostname, port=place.port, user=place.username, password=place.password,
                              database=place.path[1:], connect_timeout=10, autocommit=True)
    while True:
        with session.cursor() as cursor:
            cursor.execute("select count(*) from orders")
            cursor.fetchone()
        time.sleep(pause)


while True:
    try:
        follow(urlparse(os.environ["SHOP_DB"]), int(os.environ["SHOP_PAUSE"]))
    except (pymysql.Error, OSError) as error:
        print("shop:", error, flush=True)
        time.sleep(10)
