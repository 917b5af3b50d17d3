"""Mail to NUMBER@fax.kontor.example becomes a fax: the text of the letter goes to HylaFAX on this machine."""
import asyncio
import email
import subprocess
import tempfile

from aiosmtpd.controller import UnthreadedController


class Letters:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if not address.split("@")[0].lstrip("+").isdigit():
            return "550 no such number"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            self.fax(recipient.split("@")[0], email.message_from_bytes(envelope.content))
        return "250 on its way"

    def fax(self, number, letter):
        part = next((part for part in letter.walk() if part.get_content_maintype() == "text"), None)
        with tempfile.NamedTemporaryFile("wb", suffix=".txt") as page:
            page.write(part.get_payload(decode=True) if part else b"")
            page.flush()
            subprocess.run(["sendfax", "-n", "-h", "localhost", "-d", number, page.name])


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
UnthreadedController(Letters(), hostname="0.0.0.0", port=25, loop=loop).begin()
loop.run_forever()
