import sys

from potstill.verify.command import main

raise SystemExit(main(sys.argv[1:]))
