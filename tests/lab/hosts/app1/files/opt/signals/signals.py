"""Listens to the signals of the house, the camera at the gate first of all, over one session that stays open."""
import sys
import xml.etree.ElementTree as tree
from urllib.parse import parse_qs, urlparse

import paho.mqtt.client as mqtt


def place_of(file):
    name = "{http://xmlns.jcp.org/xml/ns/javaee}Resource"
    return urlparse(tree.parse(file).getroot().find(name).get("brokerURL"))


place = place_of(sys.argv[1])
words = parse_qs(place.query)
session = mqtt.Client(words["client"][0])
session.on_connect = lambda client, *_: client.subscribe("house/#")
session.connect_async(place.hostname, place.port, int(words["keepalive"][0]))
session.loop_forever(retry_first_connection=True)
