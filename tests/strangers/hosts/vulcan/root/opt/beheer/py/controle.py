#!/usr/bin/env python3
"""Controle van de kopieën; stuurt resultaat naar Icinga (NSCA) en MQTT."""
import argparse
import subprocess

import paho.mqtt.client as mqtt
import paramiko
import psycopg2
import yaml

ap = argparse.ArgumentParser()
ap.add_argument("--config", default="controle.yml")
ap.add_argument("--mqtt", default="mqtt1")
ARGS = ap.parse_args()
CFG = yaml.safe_load(open(ARGS.config))

NSCA_HOST, NSCA_PORT = "icinga1", 5667


def bestanden(host, user="controle"):
    c = paramiko.SSHClient()
    c.connect(host, port=CFG.get("ssh_poort", 22), username=user)
    _, out, _ = c.exec_command("ls -1 /volume1/kopie")
    return out.read().split()


def main():
    dsn = "host={host} port={port} dbname=controle user=controle password={wachtwoord}".format(**CFG["database"])
    db = psycopg2.connect(dsn)
    for h in CFG["nassen"]:
        n = len(bestanden(h))
        subprocess.run(["send_nsca", "-H", NSCA_HOST, "-p", str(NSCA_PORT)], input=f"{h}\tkopie\t0\t{n}\n", text=True)
        db.cursor().execute("insert into t values (%s)", (n,))
    client = mqtt.Client()
    client.connect(ARGS.mqtt, 1883, 60)
    client.publish("kopie/klaar", "1")
    assert "orkus" not in CFG, "orkus is uit dienst"


if __name__ == "__main__":
    main()
