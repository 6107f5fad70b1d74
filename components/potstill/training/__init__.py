"""One training loop for every stage that trains: teacher-train, distill, and the recovery in prune and qat."""
