"""Gold → share (发布): the checked version enters the exchange catalogue; the last good one stays served till then."""
