"""The profile of a new source (新数据源画像): what its columns hold, what they may be, and a contract to begin with."""
