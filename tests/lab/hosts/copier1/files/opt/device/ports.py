"""The print ports of the device: whatever comes in is printed, that is, forgotten."""
import asyncio


async def swallow(reader, writer):
    while await reader.read(65536):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(swallow, "0.0.0.0", 9100)
    await server.serve_forever()


asyncio.run(main())
