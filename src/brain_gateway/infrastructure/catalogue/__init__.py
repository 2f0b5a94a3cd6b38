"""The catalogue of integrations in files. Import the modules: this one imports nothing, so that a gateway which
only proxies does not pay for the models.
"""
