"""Which processes are the lab's own, and how ports are read from the kernel's table."""
import os
import socket
import subprocess
import unittest
from unittest import mock

import host
import lifecycle
import state
from trouble import Trouble


class Processes(unittest.TestCase):
    def test_a_process_is_itself_only_with_its_birth(self):
        me = {"pid": os.getpid(), "born": state.born(os.getpid())}
        self.assertTrue(state.alive(me))
        self.assertFalse(state.alive({**me, "born": me["born"] + 1}))
        self.assertFalse(state.alive({}))
        self.assertFalse(state.alive(None))

    def test_somebody_elses_process_with_the_same_number_is_left_alone(self):
        sleeper = subprocess.Popen(["sleep", "30"])
        try:
            state.end({"pid": sleeper.pid, "born": 1})
            self.assertIsNone(sleeper.poll())
            state.end({"pid": sleeper.pid, "born": state.born(sleeper.pid)})
            self.assertEqual(sleeper.wait(5), -9)
        finally:
            sleeper.kill()

    def test_a_name_that_would_reach_into_another_lab_is_refused(self):
        for wrong in ("", "a-b", "../x", "A"):
            with mock.patch.object(state, "NAME", wrong), self.assertRaises(Trouble):
                state.check_name()


class Conditions(unittest.TestCase):
    def test_one_word_for_every_condition(self):
        up, dead = {"a": {"alive": True}}, {"a": {"alive": False}}
        me = {"pid": os.getpid(), "born": state.born(os.getpid())}
        self.assertEqual(lifecycle.condition({}, {}), "down")
        self.assertEqual(lifecycle.condition({"state": "starting", **me}, {}), "starting")
        self.assertEqual(lifecycle.condition({"state": "starting", "pid": 1, "born": 1}, {}), "broken")
        self.assertEqual(lifecycle.condition({"state": "ready"}, up), "ready")
        self.assertEqual(lifecycle.condition({"state": "failed"}, up), "failed")
        self.assertEqual(lifecycle.condition({"state": "ready"}, dead), "broken")


class Ports(unittest.TestCase):
    def test_a_port_counts_only_where_something_listens(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            self.assertFalse(host.listens(os.getpid(), "tcp", port))
            listener.listen()
            self.assertTrue(host.listens(os.getpid(), "tcp", port))
            self.assertFalse(host.listens(os.getpid(), "udp", port))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as open_port:
            open_port.bind(("::1", 0))
            self.assertTrue(host.listens(os.getpid(), "udp", open_port.getsockname()[1]))


if __name__ == "__main__":
    unittest.main()
