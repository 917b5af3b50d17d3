"""The mail relay of the lab: accepts, and greets only after an hour, so a waiting client stays connected."""
import asyncio


async def greet(reader, writer):
    await asyncio.sleep(3600)
    writer.write(b"220 relay1.corp.example ESMTP\r\n")
    await writer.drain()
    await reader.read()


async def main():
    server = await asyncio.start_server(greet, "10.99.7.40", 25)
    async with server:
        await server.serve_forever()


asyncio.run(main())
