#!/usr/bin/python3
# -*- coding: utf-8 -*-
import json
import logging
import logging.handlers

import pyodbc
from influxdb import InfluxDBClient
from opcua import Client
from pymodbus.client import ModbusTcpClient
import paho.mqtt.client as mqtt

# frueher: ModbusTcpClient('10.60.2.90')
with open('/usr/local/etc/spaltmass.json') as f:
    EINST = json.load(f)

SPS = '10.60.2.40'
plc = ModbusTcpClient(SPS, port=502)
opc = Client("opc.tcp://10.60.2.41:4840/freeopcua/server/")
conn = pyodbc.connect('DRIVER={FreeTDS};SERVER=erp-sql.tischlerei-span.example,1434;DATABASE=erp;UID=mess;PWD=MessSchieber3')
flux = InfluxDBClient(host=EINST['influx'], port=8086, database='mass')
c = mqtt.Client()
c.connect(EINST.get('mqtt', {}).get('host'), 8883, 60)
log = logging.getLogger('spalt')
log.addHandler(logging.handlers.SysLogHandler(address=('log.tischlerei-span.example', 514)))
