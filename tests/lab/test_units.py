"""Which unit a process looks like."""
import unittest

import units

UNITS = {
    "erp.service": (units.exec_start("[Service]\nExecStart=/usr/bin/gunicorn --bind 0.0.0.0:8001 \\\n  erp.web:application\n"), True),
    "shop.service": (units.exec_start("ExecStart=-/usr/bin/python3 /opt/shop/sync.py --port ${PORT}"), True),
    "named.service": (units.exec_start("ExecStart=/usr/sbin/named -f $OPTIONS"), True),
    "nut-monitor.service": (units.exec_start("ExecStart=/sbin/upsmon -F"), True),
    "smbd.service": (units.exec_start("ExecStart=/usr/sbin/smbd --foreground --no-process-group $SMBDOPTIONS"), True),
    "old.service": (units.exec_start("ExecStart=/usr/sbin/named -f -c /etc/old.conf"), False),
}
SCRIPTS = {"isc-dhcp-server": {"/usr/sbin/dhcpd", "/etc/default/isc-dhcp-server"}, "nslcd": set()}


def unit(program, *words):
    return units.unit_of(program, list(words), UNITS, SCRIPTS)


class Units(unittest.TestCase):
    def test_a_program_its_unit_starts(self):
        self.assertEqual(unit("/usr/sbin/named", "/usr/sbin/named", "-f", "-u", "bind"), "named.service")

    def test_a_script_under_its_interpreter(self):
        self.assertEqual(unit("/usr/bin/python3.11", "/usr/bin/python3", "/usr/bin/gunicorn", "--bind", "0.0.0.0:8001", "erp.web:application"), "erp.service")
        self.assertEqual(unit("/usr/bin/python3.11", "/usr/bin/python3", "/opt/shop/sync.py", "--port", "1"), "shop.service")
        self.assertEqual(unit("/usr/bin/python3.11", "/usr/bin/python3", "/opt/other.py"), None)

    def test_a_program_elsewhere_than_its_unit_says(self):
        self.assertEqual(unit("/usr/lib/nut/upsmon", "/lib/nut/upsmon", "-F"), "nut-monitor.service")

    def test_units_that_start_by_way_of_another_program(self):
        self.assertEqual(unit("/usr/lib/postgresql/15/bin/postgres", "postgres: checkpointer"), "postgresql@15-main.service")
        self.assertEqual(unit("/usr/lib/postfix/sbin/master", "/usr/lib/postfix/sbin/master", "-w"), "postfix@-.service")

    def test_start_scripts_of_the_old_kind(self):
        self.assertEqual(unit("/usr/sbin/dhcpd", "dhcpd", "-f"), "isc-dhcp-server.service")
        self.assertEqual(unit("/usr/sbin/nslcd", "nslcd", "-n"), "nslcd.service")

    def test_a_program_of_no_unit(self):
        self.assertIsNone(unit("/usr/bin/sleep", "sleep", "60"))
        self.assertIsNone(unit("/usr/bin/bash", "bash", "/run/lab/start"))


if __name__ == "__main__":
    unittest.main()
