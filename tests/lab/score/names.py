"""Whom an entity of an inventory is, in the names of the lab: by its addresses, or by its names where it has none."""
import sys
import tomllib

import rig

sys.path.insert(1, str(rig.LAB))
import estate  # noqa: E402  (a module of the lab)


def of_entities(inventory):
    """Entity id → name of the host, for every entity that is one."""
    by_address, by_name = known()
    called = {}
    for entity in inventory["entities"]:
        hosts = [by_address[address] for address in entity["addresses"] if address in by_address]
        hosts = hosts or [by_name[name] for name in map(short, [entity["name"], *entity["names"]]) if name in by_name]
        if hosts:
            called[entity["id"]] = hosts[0]
    return called


def known():
    written = tomllib.loads((rig.HERE / "names.toml").read_text())
    by_address, by_name = {}, {name.removesuffix(".kontor.example"): host for name, host in written["aliases"].items()}
    for name, host in estate.read().items():
        by_name[name] = name
        for leg in host.legs:
            by_address.update({address: name for address in (leg.address, leg.address6) if address})
    return by_address, by_name


def short(name):
    """Without the domains of the house."""
    for domain in (".ad.kontor.example", ".kontor.example"):
        if name.endswith(domain):
            return name.removesuffix(domain)
    return name
