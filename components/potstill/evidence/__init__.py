"""evidence: what a release says of itself, read strictly, so that signer and auditor judge the same facts."""
