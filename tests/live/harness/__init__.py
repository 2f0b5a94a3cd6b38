"""What the tests on real sockets share: gateways as processes, scripted services, and raw clients.

gateway.py      starts `brain-gateway serve` and stops it; memory, metrics, logs of the process
upstream.py     a service that does with each request whatever a test says, and records every byte
wire.py         one connection, of either side: raw bytes out, parsed messages in
credentials.py  tenants, tokens and API keys that the gateways of the tests know
"""
