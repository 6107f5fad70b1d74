from potstill.entry import begin

begin()  # before anything large is loaded

from potstill.remote.command import main  # noqa: E402 - likewise

raise SystemExit(main())
