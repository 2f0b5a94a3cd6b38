"""Adapters: one package per technology; siblings do not know each other."""
