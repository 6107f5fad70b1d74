from potstill.entry import main

raise SystemExit(main())
