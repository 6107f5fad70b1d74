from potstill.cli import main

raise SystemExit(main())
