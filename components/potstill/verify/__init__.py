"""verify: what a signed bundle proves, offline, said in plain words.

The standard library and cryptography are all it needs: an auditor installs nothing else.
"""
