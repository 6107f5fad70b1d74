"""What is signed and how: canonical JSON, keys, DSSE envelopes, model signatures.

The standard library and cryptography are all it needs: an auditor who checks a bundle installs nothing else.
"""
