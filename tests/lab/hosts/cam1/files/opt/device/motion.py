"""Tells the house what moves, over one session that stays open."""
import time

import paho.mqtt.client as mqtt

session = mqtt.Client("axis-accc8e445566")
session.connect_async("web1.kontor.example", 1884, 60)
session.loop_start()
while True:
    session.publish("house/gate", "nothing moves")
    time.sleep(15)
